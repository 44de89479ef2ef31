#include "server/jobs/foreman.hpp"

#include <algorithm>

#include "base/crash_point.hpp"
#include "base/digest.hpp"
#include "base/log.hpp"
#include "fmt/format.h"
#include "server/jobs/sweep.hpp"

namespace sagelet::jobs {

namespace {

constexpr auto kPurgeLook = std::chrono::hours(1);

}  // namespace

Foreman::Foreman(const Options& options, storage::Ledger& ledger, const Clock& clock, Placement& placement,
                 std::vector<int> cpus)
    : options_(options),
      clock_(clock),
      placement_(placement),
      rows_(ledger),
      cores_(std::move(cpus)),
      queues_(placement.capabilities().queues) {}

/// Without one (the server is stopping), news are to come again; they are never dropped.
Result<Listener*> Foreman::listener_of(const Job& job) const {
  const auto found = listeners_.find(job.row.kind);
  if (found != listeners_.end() && found->second != nullptr) return found->second;
  return Error(ErrorKind::kUnavailable, fmt::format("nobody listens to jobs of kind {}", job.row.kind));
}

// ---- arriving

void Foreman::look() {
  if (!adopted_) return;
  admit_new_rows();
  start_those_that_fit();
  tell_waiting(std::exchange(fresh_, {}));
}

void Foreman::admit_new_rows() {
  auto rows = rows_.after(last_position_);
  if (!rows) {
    log::error("reading the queue: {}", rows.error().message());
    look_again_ = true;
    retry_at_ = clock_.steady() + kRetryPause;
    return;
  }
  look_again_ = false;
  for (auto& row : *rows) {
    last_position_ = row.position;
    const auto id = row.job_id;
    auto& job = jobs_[id];
    job.row = std::move(row);
    if (job.row.outside) {
      start(job, borrow(job));
    } else {
      queue_[job.row.position] = id;
      fresh_.push_back(id);
    }
  }
}

void Foreman::start_those_that_fit() {
  while (!queue_.empty() && start_next()) {
  }
}

/// Strictly in order: a small job does not overtake a large one, so that the large one's turn comes.
bool Foreman::start_next() {
  auto& job = jobs_.at(queue_.begin()->second);
  auto cpus = queues_ ? std::optional(std::vector<int>()) : cores_.take(job.row.want);
  if (!cpus) return false;
  queue_.erase(queue_.begin());
  start(job, std::move(*cpus));
  return true;
}

void Foreman::tell_waiting(const std::vector<std::string>& fresh) {
  for (const auto& id : fresh) {
    const auto job = jobs_.find(id);
    if (job != jobs_.end() && job->second.state == State::kQueued && !unsettled_.contains(id))
      tell(job->second, waiting_message(job->second, false));
  }
  if (queue_.empty()) return;
  auto& next = jobs_.at(queue_.begin()->second);
  tell(next, waiting_message(next, true));
}

void Foreman::tell(Job& job, std::string message) {
  if (job.message == message) return;
  job.message = std::move(message);
  if (const auto listener = listener_of(job)) (*listener)->pending(job.row.job_id, job.message);
}

std::string Foreman::waiting_message(const Job& job, bool is_next) const {
  const auto& want = job.row.want;
  const auto wanted = want.share < 1 ? fmt::format("{:g} of a core", want.share)
                                     : fmt::format("{} of {} cores", want.cores, cores_.total());
  const bool first = is_next || (!queue_.empty() && queue_.begin()->second == job.row.job_id);
  if (!first) return fmt::format("Waiting for {}, behind the jobs created before this one", wanted);
  return fmt::format("Waiting for {}; {} {} free", wanted, cores_.free(), cores_.free() == 1 ? "is" : "are");
}

// ---- starting

void Foreman::start(Job& job, std::vector<int> cpus) {
  const auto id = job.row.job_id;
  auto done = hand_over(job, std::move(cpus));
  if (done) return watch(job);
  log::error("starting job {}: {}", id, done.error().message());
  job.why = "its runner could not be started: " + done.error().message();
  if (!job.row.handle.empty()) placement_.kill({id}, {job.row.handle});
  settle(id);
}

/// The handle is on disk before the job counts as started: after a crash it is found there, or (when we were
/// killed in between) by Placement::find.
Status Foreman::hand_over(Job& job, std::vector<int> cpus) {
  job.state = State::kRunning;
  job.row.cpus = std::move(cpus);
  TRY(const auto spec, spec_to_start(job, job.row.cpus));
  crash_point("jobs.before_start");
  TRY(job.row.handle, placement_.start(spec));
  crash_point("jobs.after_start");
  TRY(rows_.started(job.row.job_id, job.row.handle, job.row.cpus));
  crash_point("jobs.after_handle");
  return {};
}

Result<JobSpec> Foreman::spec_to_start(const Job& job, const std::vector<int>& cpus) {
  TRY(const auto text, rows_.spec(job.row.job_id));
  TRY(auto spec, JobSpec::from_json(text));
  if (placement_.capabilities().affinity) spec.cpus = cpus;
  if (options_.server_url) spec.server_url = options_.server_url();
  if (options_.job_environment) spec.host_environment = options_.job_environment();
  // Into the script's environment too: whatever it leaves behind is found by it (sweep.hpp).
  spec.host_environment.push_back(std::string(kJobMark) + spec.job_id);
  return spec;
}

void Foreman::watch(Job& job) {
  auto fd = placement_.watch(job.row.handle);
  if (fd && !*fd) return;  // the placement tells
  if (fd) {
    job.watch = std::move(*fd);
    watched_.insert(job.row.job_id);
  } else {
    runner_gone(job);
  }
}

// ---- while they run

void Foreman::stop(const std::string& job_id) {
  if (!jobs_.contains(job_id) && adopted_) admit_new_rows();  // created a moment ago
  const auto found = jobs_.find(job_id);
  if (found == jobs_.end() || found->second.state == State::kLeaving) return;
  auto& job = found->second;
  if (!job.row.stopping) rows_.stopping(job_id);
  job.row.stopping = true;
  if (job.state == State::kRunning) {
    placement_.stop(job.row.handle);
  } else {
    queue_.erase(job.row.position);
    settle(job_id);
    look();
  }
}

Status Foreman::intake(std::string_view token, const Report& report) {
  if (!adopted_) return Error(ErrorKind::kUnavailable, "the server is starting");
  const auto found = jobs_.find(report.job_id);
  if (found == jobs_.end()) return Error(ErrorKind::kNotFound, "no job " + report.job_id + " is running");
  if (!equal_constant_time(token, found->second.row.token))
    return Error(ErrorKind::kPermission, "the token is not the job's");
  if (found->second.state == State::kQueued) return Error(ErrorKind::kInvalid, "the job has not started");
  found->second.runner_was_up = true;
  found->second.waits_there = false;
  TRY(apply(found->second, report));
  if (report.phase == Phase::kFinished) look();
  return {};
}

// ---- the loop's questions

Loop::Plan Foreman::plan() const {
  Loop::Plan plan;
  for (const auto& id : watched_) plan.readable.push_back(jobs_.at(id).watch.get());
  if (adopted_ && queues_) plan.readable.push_back(placement_.news_fd());
  if (!kept_.empty()) plan.timeout = kPurgeLook;
  if (!dead_.empty())
    plan.timeout = std::chrono::milliseconds(0);
  else if (!unsettled_.empty() || !owing_.empty() || look_again_)
    plan.timeout = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(retry_at_ - clock_.steady()),
                              std::chrono::milliseconds(0), kRetryPause);
  return plan;
}

void Foreman::turn(const std::vector<int>& readable) {
  if (adopted_ && queues_)
    for (const auto& news : placement_.news()) hear(news);
  std::vector<std::string> gone = std::exchange(dead_, {});
  for (const auto& id : readable.empty() ? std::set<std::string>() : watched_) {
    const auto& job = jobs_.at(id);
    if (std::ranges::find(readable, job.watch.get()) != readable.end() && !placement_.alive(job.row.handle))
      gone.push_back(id);
  }
  for (const auto& id : gone) runner_gone(jobs_.at(id));
  if (clock_.steady() >= retry_at_) {
    for (const auto& id : std::set(unsettled_)) settle(id);
    for (const auto& id : std::set(owing_)) clean_up(id);
    if (look_again_ && adopting_ && !adopted_) adopt();
    if (look_again_) look();
  }
  if (!kept_.empty()) purge_kept();
  if (!gone.empty()) look();
}

Jobs::Counts Foreman::counts() const {
  Jobs::Counts out;
  for (const auto& [id, job] : jobs_) {
    if (job.state == State::kQueued || (job.state == State::kRunning && job.waits_there)) ++out.queued;
    if (job.state == State::kRunning && !job.waits_there) ++out.running;
  }
  return out;
}

}  // namespace sagelet::jobs
