#pragma once
// What this machine (or the container we are in) offers to jobs.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sagelet::jobs {

/// Bytes of memory: the machine's, or a control group's limit below it.
std::uint64_t machine_memory();

struct SandboxProbe {
  std::string kind;                ///< "namespaces", "user namespaces", "link under a lock", "base folder"
  std::vector<std::string> notes;  ///< what does not work so
};
/// What the runner itself says it would use here (sagelet-runner --probe).
SandboxProbe probe_sandbox(const std::filesystem::path& runner);

}  // namespace sagelet::jobs
