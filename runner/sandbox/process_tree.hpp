#pragma once
// A process and all below it, from /proc.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/fs.hpp"

namespace sagelet::runner {

struct TreeProcess {
  pid_t pid = 0, parent = 0;
  double cpu_seconds = 0;    ///< its own and that of its children that it reaped
  std::uint64_t memory = 0;  ///< resident bytes; pages that processes share count in each
  bool dying = false;        ///< nothing of it runs any more
};

/// nullopt when there is none.
std::optional<TreeProcess> process_alone(pid_t pid, const fs::path& proc = "/proc");

/// `root` first; empty when there is none. Costs a look at every process of the machine.
std::vector<TreeProcess> process_tree(pid_t root, const fs::path& proc = "/proc");

/// The bytes that are this process's alone, and its share of the others (PSS); `otherwise` where the kernel
/// does not tell.
std::uint64_t shared_fairly(pid_t pid, std::uint64_t otherwise, const fs::path& proc = "/proc");

}  // namespace sagelet::runner
