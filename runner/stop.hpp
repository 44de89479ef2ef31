#pragma once
// SIGTERM to the runner is StopTrainingJob: seen by whoever waits, on any thread.
#include <chrono>

namespace sagelet::runner {

/// There is one in a process, made before the first thread; the signal handler writes to it.
class StopSignal {
 public:
  /// Installs the handler for SIGTERM and SIGINT, ignores SIGPIPE and SIGHUP.
  StopSignal();
  bool requested() const;
  int fd() const { return fd_; }  ///< readable once requested
  /// Sleeps; false when a stop cut it short.
  bool sleep(std::chrono::milliseconds time) const;
  void request() const;

 private:
  int fd_;
};

}  // namespace sagelet::runner
