#pragma once
// The runner of one host among several, as a child of this process that tells its reports by a pipe.
#include <functional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "runner/run.hpp"
#include "runner/steps/execute.hpp"

namespace sagelet::runner {

/// It dies with us.
class HostProcess {
 public:
  using Line = std::function<void(std::string_view)>;

  /// Forks: the process has one thread. `in_child` runs there first.
  static Result<HostProcess> start(
      const JobSpec& spec, const std::function<SandboxPlan()>& plan, Seat seat,
      const std::function<void()>& in_child = [] {});

  const std::string& host() const { return host_; }
  bool running() const { return pid_ > 0; }
  int fd() const { return running() ? reports_.get() : -1; }
  /// Once fd() is readable. False: it had nothing more to say and has ended.
  bool hear(const Line& report);
  /// Has it reported its end?
  bool said_all() const { return said_all_; }
  void stop() const;
  void kill();

 private:
  std::string host_;
  pid_t pid_ = 0;
  UniqueFd reports_;
  LineCutter lines_;
  bool said_all_ = false;
};

/// What the host's runner works by: a folder of its own inside the job's, its streams, its group's means.
Result<JobSpec> spec_of_host(const JobSpec& job, std::size_t index);

}  // namespace sagelet::runner
