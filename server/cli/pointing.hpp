#pragma once
// What env and exec ask a server before they point an environment at it.
#include "base/result.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/environment.hpp"

namespace sagelet::cli {

/// Asks the server and writes the authority files. kUnavailable: nobody answers.
Result<Facts> facts_of(const Target& target, const Environment& base);

}  // namespace sagelet::cli
