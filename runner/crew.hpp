#pragma once
// The runners of a job's hosts, as the one that leads them sees them (hosts.hpp).
#include <poll.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/job.hpp"

namespace sagelet::runner {

class Crew {
 public:
  struct Ear {
    std::function<void(std::string_view)> report;  ///< a Report's JSON
    /// The host's runner has ended, after whatever it reported.
    std::function<void(const std::string& host, const std::string& how)> gone;
  };

  virtual ~Crew() = default;
  /// Called while the process has one thread. An error: not all have a runner, the others are to be ended.
  virtual Status start() = 0;
  /// Hosts that have no runner and get none.
  virtual std::vector<std::string> absent() const = 0;
  /// Somebody is there who may still say something.
  virtual bool busy() const = 0;
  /// hear() is due when one of them is readable (those below 0 never are), and after `patience()`
  /// milliseconds
  /// (-1: not at all).
  virtual std::vector<int> fds() const = 0;
  virtual int patience() const { return -1; }
  virtual void hear(const Ear& ear) = 0;
  /// SIGTERM for the runner of each host that has not said its last word: it gives its program the grace.
  virtual void stop() = 0;
  /// When all have ended: what each has left lies below <folder>/<host>/ml.
  virtual Status bring_outputs(Job&) { return {}; }
  /// In the end, however the job ended.
  virtual void tidy_up(Job&) {}
};

/// Now; so is the end of what it reads from.
inline bool is_readable(int fd) {
  pollfd wanted{fd, POLLIN, 0};
  return ::poll(&wanted, 1, 0) > 0;
}

}  // namespace sagelet::runner
