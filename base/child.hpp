#pragma once
// Child processes: started without a shell, known by pidfd, reaped by their owner.
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace sagelet {

/// Which process is meant, safe against a pid that was given to somebody else meanwhile.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< field 22 of /proc/<pid>/stat, clock ticks since boot

  static std::optional<ProcessId> of(pid_t pid);
  bool alive() const;
  /// False when the process is gone (or the pid is somebody else's now).
  bool signal(int number) const;
};

struct ExitStatus {
  int code = 0;    ///< exit code; 128 + signal when killed
  int signal = 0;  ///< 0 unless killed by a signal
  bool ok() const { return code == 0 && signal == 0; }
};

struct ChildOptions {
  std::vector<std::string> argv;                        ///< argv[0] is looked up on PATH of `environment`
  std::optional<std::vector<std::string>> environment;  ///< "NAME=value"; absent: ours
  std::string working_folder;                           ///< empty: ours
  int stdin_fd = -1, stdout_fd = -1, stderr_fd = -1;    ///< -1: /dev/null for stdin, ours for the others
  std::vector<int> inherited_fds;                       ///< kept open under the same numbers
  bool new_session = false;                             ///< setsid: own session and process group
  bool dies_with_us = false;  ///< SIGKILLed when the thread that starts it ends, as when we are killed
};

/// Owns one child: its destructor kills (SIGKILL) and reaps it, unless it was waited for or let go.
class Child {
 public:
  static Result<Child> start(const ChildOptions& options);
  Child(Child&&) noexcept;
  Child& operator=(Child&&) noexcept;
  ~Child();

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  ProcessId id() const;
  void signal(int number);
  /// Blocks until the end; nullopt when `timeout` passed first.
  std::optional<ExitStatus> wait(std::optional<std::chrono::milliseconds> timeout = std::nullopt);
  /// The child outlives us: no kill, no reaping.
  void let_go();

 private:
  Child(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid_ = 0;
  UniqueFd pidfd_;
  std::optional<ExitStatus> ended_;
};

}  // namespace sagelet
