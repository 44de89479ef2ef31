#pragma once
// A memory limit for machines that give us no control group
// (docs/decisions/0015-a-memory-limit-by-watching.md).
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/child.hpp"
#include "base/rounds.hpp"

namespace sagelet::runner {

/// Looks at a process tree, on a thread of its own, and when it holds more than its limit kills its largest
/// process, as the kernel does in a control group. The more room is left, the longer until the next look.
class MemoryWatch {
 public:
  /// `root` itself is counted and never killed.
  void start(pid_t root, std::uint64_t bytes);
  std::uint64_t kills() const { return kills_; }

  /// Until the next look, when `used` of `bytes` are in use.
  static std::chrono::milliseconds pause_after(std::uint64_t used, std::uint64_t bytes);

 private:
  std::chrono::milliseconds look();

  ProcessId root_;
  std::uint64_t bytes_ = 0;
  ProcessId victim_;  ///< told to die, and perhaps not gone
  std::atomic<std::uint64_t> kills_{0};
  Rounds looks_;
};

}  // namespace sagelet::runner
