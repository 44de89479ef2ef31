#pragma once
// A memory limit for all processes of a job together, where this machine lets us set one.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/fs.hpp"

namespace sagelet::runner {

/// A control group of ours with one process tree in it. Three backends: version 2, version 1, none.
class MemoryGroup {
 public:
  enum class Kind { kV2, kV1, kNone };

  /// Where this process's own memory group lies; nullopt when there is none we could write below.
  struct Parent {
    Kind kind;
    fs::path folder;
  };
  static std::optional<Parent> parent(const fs::path& proc = "/proc");

  MemoryGroup() = default;
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;
  ~MemoryGroup();

  /// Puts `pid` and what it starts from now on below `bytes`. False: not enforced, why() says why. The
  /// group's path is written to `note` before it is made: whoever finds that after our death removes the
  /// group.
  bool limit(const std::string& name, std::uint64_t bytes, pid_t pid, const fs::path& note);
  bool limit_in(const Parent& parent, const std::string& name, std::uint64_t bytes, pid_t pid);
  Kind kind() const { return kind_; }
  const std::string& why() const { return why_; }
  /// How often the kernel killed somebody in here for want of memory.
  std::uint64_t kills() const;

 private:
  Kind kind_ = Kind::kNone;
  fs::path folder_;
  std::string why_ = "no limit asked for";
};

}  // namespace sagelet::runner
