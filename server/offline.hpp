#pragma once
// What the command line does to a data folder that no server uses.
#include "server/cli/cli.hpp"

namespace sagelet {

/// A folder that a server holds is refused, with its pid.
cli::OfflineHooks offline_hooks();

}  // namespace sagelet
