#pragma once
// A job's memory limit, by whatever this machine offers.
#include <sys/types.h>

#include <cstdint>
#include <future>
#include <string>

#include "runner/sandbox/memory_group.hpp"
#include "runner/sandbox/memory_watch.hpp"

namespace sagelet::runner {

/// A control group where we may make one, else a watch. Moving a process between groups makes the kernel wait
/// for all cores, some 9 ms, so a thread of its own does that.
class MemoryLimit {
 public:
  MemoryLimit() = default;
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
  /// A limit that is on its way is set first, so that the group goes with us.
  ~MemoryLimit() = default;

  /// On `pid` and all it starts after in_force(). `name` and `note` are the group's (memory_group.hpp). Once.
  void set(const std::string& name, std::uint64_t bytes, pid_t pid, const fs::path& note);
  /// Waits until the limit holds, one way or the other; at once when there is none.
  void in_force() const;
  /// How many processes were ended at the limit.
  std::uint64_t kills() const;

 private:
  MemoryGroup group_;
  MemoryWatch watch_;
  std::future<void> setting_;  ///< last: its destructor waits
};

}  // namespace sagelet::runner
