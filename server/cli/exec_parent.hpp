#pragma once

namespace sagelet::cli {

/// Set by exec for its server: the pid it must not outlive.
inline constexpr auto kExecParent = "SAGELET_EXEC_PARENT";

}  // namespace sagelet::cli
