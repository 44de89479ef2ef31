#include "runner/hosts.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "fmt/format.h"
#include "runner/job.hpp"
#include "runner/merged.hpp"
#include "runner/run.hpp"
#include "runner/sandbox/process/private_network.hpp"
#include "runner/steps/steps.hpp"
#include "runner/verdict.hpp"

namespace sagelet::runner {
namespace {

/// How the hosts see each other.
struct Meeting {
  std::optional<PrivateNetwork> network;  ///< none: they are on the machine's own
  std::vector<std::string> addresses;
  std::string interface;
  std::optional<Confinement> only;
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// Root makes networks at once; anybody else within a user namespace, in which all of the job's runners then
/// are.
Result<PrivateNetwork> private_network(const JobSpec& spec, Meeting& meeting) {
  const auto slashes = spec.server_url.find("//");
  const std::string server = spec.network_isolation || slashes == std::string::npos
                                 ? std::string()
                                 : spec.server_url.substr(slashes + 2);
  const auto wanted = variable("SAGELET_SANDBOX");
  if (wanted.empty() || wanted == to_string(Confinement::kNamespaces)) {
    auto network = PrivateNetwork::make(spec.hosts.size(), server);
    if (network || !wanted.empty()) return network;
  } else if (wanted != to_string(Confinement::kUserNamespaces)) {
    return Error(ErrorKind::kPermission, "SAGELET_SANDBOX allows none");
  }
  TRY(enter_user_namespace());
  meeting.only = Confinement::kNamespaces;
  return PrivateNetwork::make(spec.hosts.size(), server);
}

Meeting arrange_meeting(const JobSpec& spec) {
  Meeting meeting;
  if (spec.resumed || spec.sandbox != "process") return meeting;  // the engine makes networks itself
  const auto took = [begin = std::chrono::steady_clock::now()] {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin)
        .count();
  };
  auto network = variable("SAGELET_NETWORK") == "loopback"
                     ? Result<PrivateNetwork>(Error(ErrorKind::kPermission, "SAGELET_NETWORK is loopback"))
                     : private_network(spec, meeting);
  if (network) {
    for (const HostPlace& place : network->hosts) meeting.addresses.push_back(place.address);
    meeting.interface = "eth0";
    log::info("a private network for {} hosts, made in {} us", spec.hosts.size(), took());
    meeting.network = std::move(*network);
    return meeting;
  }
  log::warn("the hosts share this machine's network: {}", network.error().message());
  for (std::size_t i = 0; i < spec.hosts.size(); ++i)
    meeting.addresses.push_back(fmt::format("127.0.{}.{}", 1 + i / 250, i % 250 + 1));
  meeting.interface = "lo";
  return meeting;
}

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

/// The host's own spec, in a folder of its own inside the job's.
Result<JobSpec> spec_of(const JobSpec& job, std::size_t index) {
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

SandboxPlan plan_of_host(const JobSpec& spec, const Meeting& meeting, std::size_t index) {
  SandboxPlan plan = plan_of(spec);
  plan.addresses = meeting.addresses;
  plan.interface = meeting.interface;
  plan.only = meeting.only;
  if (meeting.network) plan.network = meeting.network->hosts[index].network.get();
  // A launcher names the first host's interpreter to all (MPI), as if they had one image.
  if (index > 0) plan.env_alias = fs::path(spec.folder).parent_path() / spec.hosts.front() / "env";
  plan.isolated = false;  // a private network has no way out anyhow; without one they must see each other
  return plan;
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
[[noreturn]] void become_host(JobSpec spec, const SandboxPlan& plan, Seat seat, pid_t leader) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != leader) ::_exit(1);
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

class Leader {
 public:
  Leader(JobSpec spec, const StopSignal& stop) : spec_(std::move(spec)), stop_(stop), merged_(spec_.hosts) {}

  int run() {
    // Before any host: whoever looks for the job's runner finds this one.
    if (const Status done = introduce(spec_, 0, "hosts"); !done) log::error("{}", done.error().message());
    const Status started = start_hosts();
    crash_point("hosts-started");
    job_.emplace(spec_, stop_, nullptr);
    if (!started) {
      log::error("{}", started.error().message());
      for (const std::string& host : spec_.hosts)
        if (!find(host)) merged_.lose(host);
    }
    if (merged_.failed()) end_others();
    while (std::ranges::any_of(hosts_, [](const Host& host) { return host.pid > 0; })) step();
    for (const std::string& host : gone_) merged_.lose(host);
    return finish();
  }

 private:
  struct Host {
    std::string name;
    pid_t pid = 0;
    UniqueFd reports;
    LineCutter lines;
  };

  Host* find(const std::string& name) {
    const auto found = std::ranges::find(hosts_, name, &Host::name);
    return found == hosts_.end() ? nullptr : &*found;
  }

  Status start_hosts() {
    Meeting meeting = arrange_meeting(spec_);
    const pid_t leader = ::getpid();
    for (std::size_t index = 0; index < spec_.hosts.size(); ++index) {
      TRY(JobSpec spec, spec_of(spec_, index));
      if (spec.resumed && !Progress::read(spec.folder)) {
        gone_.push_back(spec.current_host);
        continue;
      }
      TRY(Pipe pipe, make_pipe());
      const NoStopMeanwhile quiet;
      const pid_t pid = ::fork();
      if (pid < 0) return Error::last("fork");
      if (pid == 0) {
        hosts_.clear();
        pipe.read.reset();
        Seat seat{.reports = pipe.write.get(), .door = {}};
        if (meeting.network) seat.door = std::move(meeting.network->hosts[index].door);
        const SandboxPlan plan = plan_of_host(spec, meeting, index);
        become_host(std::move(spec), plan, std::move(seat), leader);
      }
      hosts_.push_back({spec_.hosts[index], pid, std::move(pipe.read), {}});
    }
    bridge_ = meeting.network ? std::move(meeting.network->bridge) : UniqueFd();
    return {};
  }

  void step() {
    std::vector<pollfd> fds{{stopped_ ? -1 : stop_.fd(), POLLIN, 0}};
    for (const Host& host : hosts_) fds.push_back({host.pid > 0 ? host.reports.get() : -1, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), -1) < 0) return;
    if (fds[0].revents) end_others();
    for (std::size_t i = 0; i < hosts_.size(); ++i)
      if (fds[i + 1].revents) hear(hosts_[i]);
    if (merged_.failed() && !stopped_) end_others();
  }

  /// SIGTERM for every host that runs: each gives its program the grace.
  void end_others() {
    stopped_ = true;
    for (const Host& host : hosts_)
      if (host.pid > 0 && !merged_.has_ended(host.name)) ::kill(host.pid, SIGTERM);
  }

  void hear(Host& host) {
    std::string buffer(1 << 16, '\0');
    const auto got = read_some(host.reports.get(), buffer);
    const auto line = [&](std::string_view text) { heard(text); };
    if (got && *got > 0) return host.lines.feed({buffer.data(), *got}, line);
    ::kill(host.pid, SIGKILL);  // it has nothing more to say: normally it is gone
    ::waitpid(host.pid, nullptr, 0);
    host.pid = 0;
    if (merged_.has_ended(host.name)) return;
    log::error("the runner of {} ended without a report", host.name);
    if (can_be_taken_up(spec_.folder) != TakeUp::kNo) ::_exit(1);  // all together, by a leader after us
    merged_.lose(host.name);
  }

  void heard(std::string_view text) {
    const auto report = Report::from_json(text);
    if (!report) return log::error("{}", report.error().message());
    if (report->phase == Phase::kFinished) log::info("{}: {}", report->host, to_string(report->outcome));
    if (auto said = merged_.take(*report); said && !merged_.failed()) job_->reports.say(std::move(*said));
  }

  /// The first host's files win over those of the same name.
  Status collect() {
    for (auto host = spec_.hosts.rbegin(); host != spec_.hosts.rend(); ++host)
      for (const char* folder : {"model", "output/data"})
        TRY(merge_tree(fs::path(spec_.folder) / *host / "ml" / folder, job_->ml(folder)));
    return {};
  }

  Report outcome() {
    Report ending = merged_.ending();
    if (ending.outcome == Outcome::kFailed) return ending;
    crash_point("hosts-before-outputs");
    Status stored = collect();
    if (stored) stored = store_outputs(*job_);
    if (!stored) {
      log::error("outputs: {}", stored.error().message());
      const Report failed = verdict_of(*job_, Blame::kUpload, stored.error());
      ending.outcome = failed.outcome;
      ending.failure_reason = failed.failure_reason;
    }
    ending.model_uri = job_->model_uri;
    ending.training_end_ms = to_millis(SystemClock().now());
    return ending;
  }

  int finish() {
    const Report ending = outcome();
    crash_point("hosts-before-final-report");
    job_->log.finish();
    job_->reports.say(ending);
    job_->reports.finish();
    const Status done = say_goodbye(spec_, ending);
    if (!done) log::error("{}", done.error().message());
    return done ? 0 : 1;
  }

  const JobSpec spec_;
  const StopSignal& stop_;
  MergedReports merged_;
  std::vector<Host> hosts_;
  std::vector<std::string> gone_;  ///< with a leader before us
  UniqueFd bridge_;
  std::optional<Job> job_;  ///< what all hosts have in common: reports and outputs
  bool stopped_ = false;
};

}  // namespace

int run_hosts(JobSpec spec, const StopSignal& stop) {
  return Leader(std::move(spec), stop).run();
}

}  // namespace sagelet::runner
