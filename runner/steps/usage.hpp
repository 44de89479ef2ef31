#pragma once
// What a job's processes use of this host, from /proc.
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
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
/// Of the root alone.
TreeUse use_of_process(pid_t root, const fs::path& proc = "/proc");

/// The processes that a job's figures are of.
struct UsageOf {
  std::function<pid_t()> root;  ///< the tree's; 0 while it has none
  bool reaped_by_us = false;    ///< the root is a child of this process, which learns what is left of it
  int gpus = 0;                 ///< above 0: the machine's GPUs count too, where nvidia-smi is found
};

/// The instance metrics of AWS, one sample a call. Used by one thread at a time.
class Usage {
 public:
  /// `memory`: what counts as 100 %; 0: the machine's.
  Usage(UsageOf of, fs::path folder, std::uint64_t memory);
  /// CPUUtilization (100 for each core) since the sample before and MemoryUtilization, unless there are no
  /// processes to look at; DiskUtilization; GPUUtilization and GPUMemoryUtilization (100 for each GPU).
  std::vector<MetricValue> sample();
  /// Between programs nothing is below the root, so nobody goes through all processes of the machine for it.
  /// From any thread.
  void program_runs(bool runs) { program_runs_ = runs; }

 private:
  void add_processes(std::vector<MetricValue>& values, std::int64_t now_ms);

  const UsageOf of_;
  const fs::path folder_;
  const std::uint64_t memory_;
  SteadyTime last_time_;
  double last_cpu_ = 0;
  std::uint64_t peak_ = 0;
  std::atomic<bool> program_runs_{false};
};

struct GpuUse {
  double busy = 0, memory = 0;  ///< per cent, 100 for each GPU
};
/// Of nvidia-smi's "busy, used, total" lines; nullopt when that is something else.
std::optional<GpuUse> gpu_use_in(std::string_view lines);

}  // namespace sagelet::runner
