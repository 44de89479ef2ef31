#include "runner/host_process.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/fs.hpp"
#include "runner/merged.hpp"

namespace sagelet::runner {
namespace {

std::string stream_of(const JobSpec& spec, const std::string& host) {
  const auto slash = spec.log_stream.rfind('/'), dash = spec.log_stream.rfind('-');
  if (slash == std::string::npos || dash == std::string::npos || dash < slash)
    return spec.log_stream + "-" + host;
  return spec.log_stream.substr(0, slash + 1) + host + spec.log_stream.substr(dash);
}

/// Each group of a heterogeneous cluster has instances of its own.
void take_from_group(JobSpec& spec) {
  for (const InstanceGroup& group : spec.instance_groups) {
    if (std::ranges::find(group.hosts, spec.current_host) == group.hosts.end()) continue;
    if (group.memory_limit != 0) spec.memory_limit = group.memory_limit;
    spec.gpus = group.gpus;
  }
}

/// SIGTERM waits while it would reach a signal handler of before the fork.
class NoStopMeanwhile {
 public:
  NoStopMeanwhile() {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &mask, &before_);
  }
  ~NoStopMeanwhile() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

/// In the new child: the host's runner, from its first line to its end.
[[noreturn]] void become_host(JobSpec spec, const SandboxPlan& plan, Seat seat, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  int code = 1;
  {
    std::optional<StopSignal> stop;
    {
      const NoStopMeanwhile quiet;
      stop.emplace();
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    open_own_log(spec.folder);
    code = run_host(std::move(spec), plan, *stop, std::move(seat));
  }
  ::_exit(code);
}

}  // namespace

Result<JobSpec> spec_of_host(const JobSpec& job, std::size_t index) {
  JobSpec spec = job;
  spec.current_host = job.hosts[index];
  take_from_group(spec);
  spec.folder = job.folder + "/" + spec.current_host;
  spec.cpus = part_of_cores(job.cpus, index, job.hosts.size());
  spec.log_stream = stream_of(job, spec.current_host);
  spec.stop_asked = false;  // the leader passes it on
  TRY(make_folders(spec.folder, 0700));
  TRY(write_file(spec.folder + "/spec.json", spec.to_json(), false, 0600));
  // Where the server's new address will be, should it move (Server::address).
  if (::symlink("../server_url", (spec.folder + "/server_url").c_str()) != 0 && errno != EEXIST)
    return Error::last(spec.folder + "/server_url");
  return spec;
}

Result<HostProcess> HostProcess::start(const JobSpec& spec, const std::function<SandboxPlan()>& plan,
                                       Seat seat, const std::function<void()>& in_child) {
  TRY(Pipe pipe, make_pipe());
  const pid_t parent = ::getpid();
  const NoStopMeanwhile quiet;
  const pid_t pid = ::fork();
  if (pid < 0) return Error::last("fork");
  if (pid == 0) {
    in_child();
    pipe.read.reset();
    seat.reports = pipe.write.get();
    become_host(spec, plan(), std::move(seat), parent);
  }
  HostProcess host;
  host.host_ = spec.current_host;
  host.pid_ = pid;
  host.reports_ = std::move(pipe.read);
  return host;
}

bool HostProcess::hear(const Line& report) {
  std::string buffer(1 << 16, '\0');
  const auto got = read_some(reports_.get(), buffer);
  if (got && *got > 0) {
    lines_.feed({buffer.data(), *got}, [&](std::string_view text) {
      const auto read = Report::from_json(text);
      said_all_ = said_all_ || (read && read->phase == Phase::kFinished);
      report(text);
    });
    return true;
  }
  kill();  // it has nothing more to say: normally it is gone
  return false;
}

void HostProcess::stop() const {
  if (running() && !said_all_) ::kill(pid_, SIGTERM);
}

void HostProcess::kill() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

}  // namespace sagelet::runner
