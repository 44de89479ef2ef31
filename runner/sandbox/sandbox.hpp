#pragma once
// How a runner gives the user's code its private /opt/ml, and how it is sure that nothing of it stays behind.
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.hpp"

namespace sagelet::runner {

struct Command {
  std::vector<std::string> argv;         ///< argv[0] is a path, or looked up on PATH of `environment`
  std::vector<std::string> environment;  ///< "NAME=value"
  std::string working_folder;            ///< as the command sees it
};

struct Ended {
  int exec_error = 0;   ///< errno when the command could not be started at all
  int wait_status = 0;  ///< as from waitpid
  bool lost = false;    ///< the sandbox itself is gone: nobody knows how the command ended

  /// As Python's subprocess: negative for a signal.
  int return_code() const;
  /// As a shell, and a container: 128 + signal.
  int container_code() const;
};

/// One at a time: start(), then ended() once fd() is readable; when it is, no process of the command is left.
/// Owned by the runner's main thread.
class Sandbox {
 public:
  virtual ~Sandbox() = default;
  virtual std::string name() const = 0;  ///< "namespaces", "user namespaces", ...
  /// Where the job sees its tree: /opt/ml, or the real folder.
  virtual std::string base() const = 0;
  /// The descriptors become the command's stdout and stderr; stdin is /dev/null.
  virtual Status start(const Command& command, int stdout_fd, int stderr_fd) = 0;
  virtual int fd() const = 0;
  virtual Ended ended() = 0;
  /// To the command's process group.
  virtual void signal(int number) = 0;
};

}  // namespace sagelet::runner
