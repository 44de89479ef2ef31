#pragma once
// What a job's processes use of this host, from /proc.
#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "base/fs.hpp"
#include "runner/spec.hpp"

namespace sagelet::runner {

/// CPU time and memory of a process and all below it.
struct TreeUse {
  double cpu_seconds = 0;  ///< with what its processes that ended had used
  std::uint64_t memory = 0;
};
TreeUse use_of_tree(pid_t root, const fs::path& proc = "/proc");

/// The instance metrics of AWS, one sample a call. Used by one thread at a time.
class Usage {
 public:
  /// `root` 0: the processes are an engine's, only the disk is seen. `memory`: what counts as 100 %.
  Usage(pid_t root, fs::path folder, std::uint64_t memory);
  /// CPUUtilization (100 for each core) since the sample before, MemoryUtilization, DiskUtilization.
  std::vector<MetricValue> sample();

 private:
  const pid_t root_;
  const fs::path folder_;
  const std::uint64_t memory_;
  SteadyTime last_time_;
  double last_cpu_ = 0;
  std::uint64_t peak_ = 0;
};

}  // namespace sagelet::runner
