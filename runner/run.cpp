#include "runner/run.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "base/child.hpp"
#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "runner/hosts.hpp"
#include "runner/sandbox/docker/relay.hpp"
#include "runner/sandbox/make_sandbox.hpp"
#include "runner/sandbox/process/kept_paths.hpp"
#include "runner/slurm/settle.hpp"
#include "runner/steps/steps.hpp"
#include "runner/verdict.hpp"

namespace sagelet::runner {
namespace {

struct Step {
  const char* name;
  Status (*run)(Job&);
  Blame blame;
};

// The life of a job. The first step that fails, and a stop between two steps, end the list.
constexpr Step kSteps[] = {
    {"layout", lay_out, Blame::kOurs},
    {"place", take_place, Blame::kOurs},
    {"inputs", fetch_inputs, Blame::kData},
    {"checkpoints", fetch_checkpoints, Blame::kData},
    {"python", make_python, Blame::kUser},
    {"authorities", fetch_authorities, Blame::kOurs},
    {"environment", set_environment, Blame::kOurs},
    {"container", prepare_container, Blame::kUser},
    {"train", train, Blame::kOurs},
};

// Of a job whose runner was killed while its container went on.
constexpr Step kTakenUp[] = {
    {"checkpoints", take_up_checkpoints, Blame::kOurs},
    {"container", prepare_container, Blame::kOurs},
    {"train", train, Blame::kOurs},
};

// And when its program had ended before.
constexpr Step kEnded[] = {
    {"checkpoints", take_up_checkpoints, Blame::kOurs},
};

std::span<const Step> steps_of(const Job& job) {
  if (!job.spec.resumed) return kSteps;
  return job.progress.ended ? std::span<const Step>(kEnded) : std::span<const Step>(kTakenUp);
}

// After the container, however it ended (a failed one leaves no model).
constexpr Step kAfterwards[] = {
    {"checkpoints", finish_checkpoints, Blame::kOurs},
    {"outputs", store_outputs, Blame::kUpload},
};

Report failed_step(const Job& job, const Step& step, const Error& error) {
  log::error("{}: {}", step.name, error.message());
  return verdict_of(job, step.blame, error);
}

Report walk(Job& job) {
  if (job.progress.ended) job.recall_end();
  for (const Step& step : steps_of(job)) {
    if (job.stop.requested() && !job.spec.resumed && !job.exit_code)
      return verdict_of(job, step.blame, Error(ErrorKind::kCancelled, "stopped"));
    crash_point(std::string("runner-before-") + step.name);
    if (Status done = step.run(job); !done) return failed_step(job, step, done.error());
  }
  const bool failed = job.exit_code.value_or(1) != 0 && job.why == Why::kItself;
  if (failed && job.ended_ms == 0) job.ended_ms = to_millis(SystemClock().now());
  for (const Step& step : kAfterwards) {
    if (step.run == store_outputs && failed) continue;
    crash_point(std::string("runner-after-") + step.name);
    if (Status done = step.run(job); !done) return failed_step(job, step, done.error());
  }
  return verdict_of(job);
}

}  // namespace

void open_own_log(const std::string& folder) {
  const int fd = ::open((folder + "/runner.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return;
  ::dup2(fd, 1);
  ::dup2(fd, 2);
  ::close(fd);
  log::start(log::Level::kInfo);
}

SandboxPlan plan_of(const JobSpec& spec) {
  SandboxPlan plan{.folder = spec.folder,
                   .host = spec.current_host,
                   .hosts = spec.hosts,
                   .cpus = spec.cpus,
                   .checkpoint_path = {},
                   .only = {}};
  const std::string& path = spec.checkpoint_path;
  const bool inside = path == "/opt/ml" || path.starts_with("/opt/ml/");
  if (!spec.checkpoint_uri.empty() && !inside) plan.checkpoint_path = path;
  plan.isolated = spec.network_isolation;
  if (spec.sandbox == "process") plan.kept = kept_paths(spec);
  return plan;
}

Status introduce(const JobSpec& spec, pid_t init_pid, const std::string& sandbox) {
  const auto start_time = [](pid_t pid) {
    const auto id = ProcessId::of(pid);
    return id ? id->start_time : 0;
  };
  const nlohmann::json about = {{"pid", ::getpid()},
                                {"start_time", start_time(::getpid())},
                                {"init_pid", init_pid},
                                {"init_start_time", start_time(init_pid)},
                                {"sandbox", sandbox}};
  return write_file(spec.folder + "/runner.json", about.dump());
}

Status say_goodbye(const JobSpec& spec, const Report& report) {
  const nlohmann::json about = {{"outcome", to_string(report.outcome)},
                                {"exit_code", report.exit_code},
                                {"finished_ms", to_millis(SystemClock().now())}};
  return write_file(spec.folder + "/exit.json", about.dump());
}

namespace {

void limit_memory(Job& job) {
  const std::uint64_t machine = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                                static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (!job.sandbox || job.spec.memory_limit == 0 || job.spec.memory_limit >= machine ||
      job.sandbox->init_pid() == 0)
    return;
  const std::string name = "sagelet-" + job.spec.job_id +
                           (job.spec.hosts.size() > 1 ? "-" + job.spec.current_host : std::string());
  job.memory.set(name, job.spec.memory_limit, job.sandbox->init_pid(), job.folder() / "memory_group");
}

/// The log first: whoever sees the job finished finds all of it.
Status finish(Job& job, Report report) {
  job.memory.in_force();  // nobody is moved who is about to end
  job.reserve.give_back();
  job.log.finish();
  job.cloudwatch.finish();
  crash_point("runner-before-final-report");
  job.reports.say(report);
  job.reports.finish();
  return say_goodbye(job.spec, report);
}

/// Each host wants its own /opt/ml, and names that resolve.
Error no_many_hosts(const Sandbox& sandbox) {
  return Error(
      ErrorKind::kUnavailable,
      "this machine gives us no mount namespaces (sandbox: " + sandbox.name() +
          "), so it runs jobs of one instance only. Set InstanceCount to 1, allow namespaces (sagelet "
          "doctor says what is missing), or give the job a docker image");
}

/// Nothing can be run here: by our fault, unless the job asks for what there is not.
int give_up(const JobSpec& spec, const Seat& seat, const Error& error) {
  log::error("{}", error.message());
  Report report;
  report.phase = Phase::kFinished;
  report.outcome = Outcome::kFailed;
  report.failure_reason = step_error(error.is(ErrorKind::kUnavailable) ? Blame::kUser : Blame::kOurs, error);
  Reporter reports(spec);
  reports.tell(seat.reports);
  reports.say(report);
  reports.finish();
  return say_goodbye(spec, report) ? 0 : 1;
}

Result<JobSpec> read_spec(const std::string& folder) {
  TRY(const std::string text, read_file(folder + "/spec.json"));
  TRY(JobSpec spec, JobSpec::from_json(text));
  std::error_code error;
  spec.folder = fs::canonical(folder, error).string();
  return spec;
}

/// How far the runner before this one got, if there was one.
Result<Progress> take_up(const JobSpec& spec) {
  if (!spec.resumed) return Progress();
  TRY(Progress progress, Progress::read(spec.folder));
  ++progress.taken_up;
  TRY(progress.write(spec.folder));
  log::info("taken up for the {}. time: the program {}", progress.taken_up,
            progress.ended ? "has ended" : "is in a container");
  return progress;
}

Result<std::unique_ptr<Sandbox>> sandbox_of(const JobSpec& spec, const SandboxPlan& plan,
                                            const Progress& before) {
  if (before.ended) return std::unique_ptr<Sandbox>();
  return spec.resumed ? find_sandbox(spec, before) : make_sandbox(spec, plan);
}

/// Those of other instance groups.
void leave_out_channels(JobSpec& spec) {
  std::erase_if(spec.channels, [&](const ChannelSpec& channel) {
    return !channel.hosts.empty() &&
           std::ranges::find(channel.hosts, spec.current_host) == channel.hosts.end();
  });
}

/// "127.0.0.1:4577", wherever the server is now.
RelayTarget relay_target(Server server) {
  return [server = std::move(server)] {
    const auto url = server.address();
    const auto slashes = url.find("//");
    return slashes == url.npos ? url : url.substr(slashes + 2);
  };
}

}  // namespace

int run_host(JobSpec spec, const SandboxPlan& plan, const StopSignal& stop, Seat seat) {
  leave_out_channels(spec);
  if (spec.on_node())
    if (const Status can = can_run_on_node(spec); !can) return give_up(spec, seat, can.error());
  if (!spec.warmpool_cache.empty())  // what the sandbox is to show must be there
    if (const Status made = make_folders(spec.warmpool_cache); !made)
      return give_up(spec, seat, made.error());
  // Before the first thread: the sandbox's init is forked from this one.
  auto before = take_up(spec);
  if (!before) return give_up(spec, seat, before.error());
  auto made = sandbox_of(spec, plan, *before);
  if (!made) return give_up(spec, seat, made.error());
  auto sandbox = std::move(*made);
  if (sandbox)
    for (const std::string& note : sandbox->notes()) log::info("sandbox: {}", note);
  if (sandbox && spec.hosts.size() > 1 && !sandbox->has_mounts())
    return give_up(spec, seat, no_many_hosts(*sandbox));
  const Status introduced =
      introduce(spec, sandbox ? sandbox->init_pid() : 0, sandbox ? sandbox->name() : "none");
  if (!introduced) return give_up(spec, seat, introduced.error());
  crash_point("runner-introduced");
  const auto relay = seat.door ? Relay::over(std::move(seat.door), relay_target(Server::of(spec))) : nullptr;
  if (relay) relay->allow("127.0.0.1");
  Job job(std::move(spec), stop, std::move(sandbox), std::move(*before));
  job.reports.tell(seat.reports);
  job.one_of_many = seat.reports >= 0;
  job.sends_parts = seat.sends_parts;
  for (const std::string& note : seat.notes) job.say(note);
  limit_memory(job);
  Report report = walk(job);
  if (report.outcome == Outcome::kFailed) log::info("failed: {}", report.failure_reason);
  const Status done = finish(job, std::move(report));
  if (!done) log::error("{}", done.error().message());
  return done ? 0 : 1;
}

namespace {

int run_job(JobSpec spec, const StopSignal& stop) {
  if (spec.stop_asked) stop.request();
  if (spec.hosts.size() > 1) return run_hosts(std::move(spec), stop);
  Seat seat;
  if (spec.on_node()) seat.notes = settle(spec, spec.folder);
  const auto plan = plan_of(spec);
  return run_host(std::move(spec), plan, stop, std::move(seat));
}

}  // namespace

int run_job(const std::string& folder) {
  const StopSignal stop;
  open_own_log(folder);
  auto spec = read_spec(folder);
  if (!spec) {
    log::error("{}", spec.error().message());
    return 2;
  }
  const JobSpec job = *spec;
  const int code = run_job(std::move(*spec), stop);
  // Nobody comes to look: the server is elsewhere, and has all it wanted.
  if (job.on_node() && !job.shared_folder && code == 0) leave_node(job, job.folder);
  return code;
}

}  // namespace sagelet::runner
