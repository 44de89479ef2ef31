#pragma once
// How a runner gives the user's code its private /opt/ml, and how it is sure that nothing of it stays behind.
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/fd.hpp"

namespace sagelet::runner {

class StopSignal;

struct Command {
  std::vector<std::string> argv;         ///< argv[0] is a path, or looked up on PATH of `environment`
  std::vector<std::string> environment;  ///< "NAME=value"
  std::string working_folder;            ///< as the command sees it
};

struct Ended {
  int exec_error = 0;          ///< errno when the command could not be started at all
  int wait_status = 0;         ///< as from waitpid
  bool lost = false;           ///< the sandbox itself is gone: nobody knows how the command ended
  bool out_of_memory = false;  ///< the kernel ended a process at the sandbox's own limit

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

  /// False while another job has the place that this one needs.
  virtual Result<bool> take_place() { return true; }
  /// Waits for what was begun when it was made. An error is the user's: an image that is not there.
  virtual Status get_ready(const StopSignal&) { return {}; }
  /// The process that a memory limit is put on from outside; 0: the sandbox limits by itself.
  virtual pid_t init_pid() const { return 0; }
  /// The one that all others of the job descend from, as this machine knows it; 0: there is none now. From
  /// any thread.
  virtual pid_t first_process() const { return init_pid(); }
  /// Mounts a FUSE file system, read-only, on a folder as the job sees it; gives the kernel's end to serve.
  /// kUnavailable, and why, where that cannot be. Before start().
  virtual Result<UniqueFd> mount_fuse(const std::string& folder);
  /// Shows a folder of this machine there, in the same way.
  virtual Status show_folder(const std::string& from, const std::string& folder, bool read_only);
  /// Folders of the job's can be put at any path inside.
  virtual bool has_mounts() const { return true; }
  /// The command has no network at all, or the private one of its hosts.
  virtual bool has_own_network() const { return false; }
  /// Of the network that the job's hosts share.
  virtual std::string interface_name() const;
  /// The command is the image's: script mode, interpreter and environment are not ours to make.
  virtual bool is_container() const { return false; }
  /// What another runner needs to find the command again after this one was killed; empty: it dies with us.
  virtual std::string note_for_the_next() const { return {}; }
  /// What was not as wished, for the runner's log.
  virtual const std::vector<std::string>& notes() const;
};

}  // namespace sagelet::runner
