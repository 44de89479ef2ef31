#pragma once
// What an engine that was killed while it started a container does not know of any more.
#include <string>
#include <vector>

namespace sagelet::client {

/// Ends the shims, first processes and control groups of containers that the engine says are gone: killed in
/// the middle of a start, it forgets them, and they stay for ever. Those that are on their way out get a
/// second. Where we may not see or signal them, nothing happens.
void end_orphans(const std::vector<std::string>& container_ids);

}  // namespace sagelet::client
