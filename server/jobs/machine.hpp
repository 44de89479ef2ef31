#pragma once
// What this machine (or the container we are in) offers to jobs.
#include <cstdint>
#include <string>
#include <vector>

namespace sagelet::jobs {

/// Bytes of memory: the machine's, or a control group's limit below it.
std::uint64_t machine_memory();

struct SandboxProbe {
  std::string kind;  ///< "namespaces (root)", "user namespaces", "link under a lock", "base folder"
  std::vector<std::string> notes;  ///< what does not work so, and how to change it
};
/// Tries in a child of ours; the same order as the runner's own choice.
SandboxProbe probe_sandbox();

}  // namespace sagelet::jobs
