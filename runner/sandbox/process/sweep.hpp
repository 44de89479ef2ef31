#pragma once
namespace sagelet::runner {

/// Kills and reaps every process below this one. In a PID namespace whose pid 1 we are that is everything;
/// else it is all descendants, found by walking /proc (as a subreaper we get the orphans back), again and
/// again until none is left.
void end_everything(bool pid_namespace);

}  // namespace sagelet::runner
