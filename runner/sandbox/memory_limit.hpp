#pragma once
// A job's memory limit, by whatever this machine offers.
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "runner/sandbox/memory_group.hpp"
#include "runner/sandbox/memory_watch.hpp"

namespace sagelet::runner {

/// A control group where we may make one, else a watch.
class MemoryLimit {
 public:
  /// On `pid` and all it starts from now on. `name` and `note` are the group's (memory_group.hpp).
  void set(const std::string& name, std::uint64_t bytes, pid_t pid, const fs::path& note);
  /// How many processes were ended at the limit.
  std::uint64_t kills() const { return group_.kills() + watch_.kills(); }

 private:
  MemoryGroup group_;
  MemoryWatch watch_;
};

}  // namespace sagelet::runner
