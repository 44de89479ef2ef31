#include "server/jobs/foreman.hpp"

#include <algorithm>

#include "base/crash_point.hpp"
#include "base/digest.hpp"
#include "base/log.hpp"
#include "fmt/format.h"
#include "server/jobs/sweep.hpp"

namespace sagelet::jobs {

namespace {

constexpr auto kRetry = std::chrono::milliseconds(1000);
constexpr auto kPurgeLook = std::chrono::hours(1);

}  // namespace

Foreman::Foreman(const Options& options, storage::Ledger& ledger, const Clock& clock, Placement& placement,
                 std::vector<int> cpus)
    : options_(options), clock_(clock), placement_(placement), rows_(ledger), cores_(std::move(cpus)) {}

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
    retry_at_ = clock_.steady() + kRetry;
    return;
  }
  look_again_ = false;
  for (auto& row : *rows) {
    last_position_ = row.position;
    const auto id = row.job_id;
    auto& job = jobs_[id];
    job.row = std::move(row);
    if (job.row.outside) {
      start(job, cores_.borrow(job.row.want));
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
  auto cpus = cores_.take(job.row.want);
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
  if (fd) {
    job.watch = std::move(*fd);
    watched_.insert(job.row.job_id);
  } else {
    runner_gone(job);
  }
}

// ---- adopting

void Foreman::adopt() {
  if (adopted_) return;
  adopting_ = true;
  auto rows = rows_.after(0);
  if (!rows) {
    log::error("jobs cannot be taken back yet: {}", rows.error().message());
    look_again_ = true;
    retry_at_ = clock_.steady() + kRetry;
    return;
  }
  adopted_ = true;
  for (auto& row : *rows) adopt_row(std::move(row));
  sweep_orphans();
  purge_kept();
  look();
}

void Foreman::adopt_row(Row row) {
  last_position_ = std::max(last_position_, row.position);
  const auto id = row.job_id;
  if (row.state == RowState::kKept) {
    kept_[id] = row.ended_ms;
    return;
  }
  auto& job = jobs_[id];
  job.row = std::move(row);
  if (job.row.state == RowState::kStarted) {
    adopt_started(job);
  } else {
    adopt_queued(job);
  }
}

void Foreman::adopt_started(Job& job) {
  job.state = State::kRunning;
  job.runner_was_up = true;
  if (!job.row.outside) cores_.hold(job.row.cpus, job.row.want.share);
  if (!placement_.alive(job.row.handle)) return runner_gone(job);
  log::info("job {} goes on", job.row.job_id);
  if (options_.server_url)
    if (auto done = placement_.readdress(job.row.job_id, options_.server_url()); !done)
      log::warn("job {}: {}", job.row.job_id, done.error().message());
  if (job.row.stopping) placement_.stop(job.row.handle);
  watch(job);
}

/// Queued as far as the ledger knows; but we may have been killed between the runner's start and its handle's
/// row.
void Foreman::adopt_queued(Job& job) {
  const auto id = job.row.job_id;
  if (const auto handle = placement_.find(id)) {
    job.row.handle = *handle;
    job.row.cpus = cores_.borrow(job.row.want);
    if (auto done = rows_.started(id, *handle, job.row.cpus); !done)
      log::error("job {}: {}", id, done.error().message());
    return adopt_started(job);
  }
  if (auto done = placement_.remove(id); !done) log::warn("job {}: {}", id, done.error().message());
  if (job.row.stopping) return stop(id);
  if (job.row.outside) return start(job, cores_.borrow(job.row.want));
  queue_[job.row.position] = id;
  fresh_.push_back(id);
}

/// Folders of jobs whose row is gone: they had ended, only their folder was not removed yet.
void Foreman::sweep_orphans() {
  std::vector<std::string> orphans;
  for (auto& name : placement_.folders())
    if (!jobs_.contains(name) && !kept_.contains(name)) orphans.push_back(std::move(name));
  if (orphans.empty()) return;
  placement_.kill(orphans, {});
  for (const auto& id : orphans)
    if (auto done = placement_.remove(id); !done) log::warn("job {}: {}", id, done.error().message());
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
  TRY(apply(found->second, report));
  if (report.phase == Phase::kFinished) look();
  return {};
}

/// Each number once. A final report is acknowledged when both the listener's record and our row are durable;
/// of others the row may lag behind, which costs the listener a repeated report after a crash.
Status Foreman::apply(Job& job, const Report& report) {
  if (job.state == State::kLeaving || report.number <= job.row.last_report) return {};
  TRY(auto* const listener, listener_of(job));
  TRY(listener->report(report));
  crash_point("jobs.after_report");
  if (report.phase == Phase::kFinished) return finish(job, report);
  job.row.last_report = report.number;
  rows_.reported(job.row.job_id, report.number);
  return {};
}

Status Foreman::finish(Job& job, const Report& report) {
  TRY(end_row(job, report.outcome == Outcome::kFailed));
  job.row.last_report = report.number;
  free_cores(job);
  job.state = State::kLeaving;
  return {};
}

Status Foreman::end_row(Job& job, bool keep) {
  job.kept = keep && options_.keep_failed.count() > 0;
  if (!job.kept) return rows_.remove(job.row.job_id);
  TRY(rows_.keep(job.row.job_id, clock_.now()));
  kept_[job.row.job_id] = to_millis(clock_.now());
  return {};
}

// ---- ending

void Foreman::runner_gone(Job& job) {
  const auto id = job.row.job_id;
  job.watch.reset();
  watched_.erase(id);
  if (job.state != State::kLeaving) {
    placement_.kill({id}, {job.row.handle});
    if (job.why.empty()) job.why = "its runner ended without a report";
  }
  settle(id);
}

/// For a job without a runner: brings its end to the listener, then lets go of it. What cannot be delivered
/// now (a full disk) is tried again.
void Foreman::settle(const std::string& job_id) {
  auto& job = jobs_.at(job_id);
  if (job.state != State::kLeaving) {
    if (auto done = deliver_end(job); !done) {
      log::warn("the end of job {} is not recorded yet: {}", job_id, done.error().message());
      unsettled_.insert(job_id);
      retry_at_ = clock_.steady() + kRetry;
      return;
    }
  }
  forget(job_id);
}

Status Foreman::deliver_end(Job& job) {
  const auto id = job.row.job_id;
  for (const auto& report : placement_.left_reports(id)) TRY(apply(job, report));
  if (job.state == State::kLeaving) return {};
  // A runner that SIGTERM met before it could handle it has done nothing yet, as one that never started.
  if (job.row.stopping && !job.runner_was_up) return apply(job, stopped_report(job));
  const auto noted = placement_.noted_end(id);
  const auto why = noted.empty() ? job.why : fmt::format("{} (the script had ended with {})", job.why, noted);
  TRY(auto* const listener, listener_of(job));
  TRY(listener->lost(id, why));
  TRY(end_row(job, true));
  free_cores(job);
  job.state = State::kLeaving;
  return {};
}

Report Foreman::stopped_report(const Job& job) const {
  Report report;
  report.job_id = job.row.job_id;
  report.host = "algo-1";
  report.number = job.row.last_report + 1;
  report.time_ms = to_millis(clock_.now());
  report.phase = Phase::kFinished;
  report.outcome = Outcome::kStopped;
  return report;
}

void Foreman::free_cores(Job& job) {
  if (!job.row.outside) cores_.give_back(job.row.cpus, job.row.want.share);
  job.row.cpus.clear();
}

void Foreman::forget(const std::string& job_id) {
  const auto job = jobs_.find(job_id);
  const bool kept = job->second.kept;
  jobs_.erase(job);
  unsettled_.erase(job_id);
  if (kept) return;
  if (auto done = placement_.remove(job_id); !done) log::warn("job {}: {}", job_id, done.error().message());
}

void Foreman::remove(const std::string& job_id) {
  if (jobs_.contains(job_id)) return;  // its folder goes when its runner has
  if (kept_.erase(job_id) == 0) return;
  if (auto done = rows_.remove(job_id); !done) log::warn("job {}: {}", job_id, done.error().message());
  if (auto done = placement_.remove(job_id); !done) log::warn("job {}: {}", job_id, done.error().message());
}

void Foreman::purge_kept() {
  const auto before = to_millis(clock_.now() - options_.keep_failed);
  std::vector<std::string> due;
  for (const auto& [id, ended] : kept_)
    if (ended <= before) due.push_back(id);
  for (const auto& id : due) remove(id);
}

void Foreman::clear() {
  std::vector<std::string> ids;
  std::vector<Handle> handles;
  for (const auto& [id, job] : jobs_) {
    if (job.state == State::kQueued) continue;
    ids.push_back(id);
    handles.push_back(job.row.handle);
  }
  placement_.kill(ids, handles);
  auto rows = rows_.after(0);
  for (const auto& row : rows ? *rows : std::vector<Row>())
    if (auto done = rows_.remove(row.job_id); !done)
      log::warn("job {}: {}", row.job_id, done.error().message());
  for (auto& [id, job] : jobs_)
    if (job.state == State::kRunning) free_cores(job);
  jobs_.clear(), queue_.clear(), fresh_.clear(), watched_.clear(), unsettled_.clear(), kept_.clear();
  for (const auto& id : placement_.folders())
    if (auto done = placement_.remove(id); !done) log::warn("job {}: {}", id, done.error().message());
}

// ---- the loop's questions

Loop::Plan Foreman::plan() const {
  Loop::Plan plan;
  for (const auto& id : watched_) plan.readable.push_back(jobs_.at(id).watch.get());
  if (!kept_.empty()) plan.timeout = kPurgeLook;
  if (!unsettled_.empty() || look_again_)
    plan.timeout = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(retry_at_ - clock_.steady()),
                              std::chrono::milliseconds(0), kRetry);
  return plan;
}

void Foreman::turn(const std::vector<int>& readable) {
  std::vector<std::string> gone;
  for (const auto& id : readable.empty() ? std::set<std::string>() : watched_) {
    const auto& job = jobs_.at(id);
    if (std::ranges::find(readable, job.watch.get()) != readable.end() && !placement_.alive(job.row.handle))
      gone.push_back(id);
  }
  for (const auto& id : gone) runner_gone(jobs_.at(id));
  if (clock_.steady() >= retry_at_) {
    for (const auto& id : std::set(unsettled_)) settle(id);
    if (look_again_ && adopting_ && !adopted_) adopt();
    if (look_again_) look();
  }
  if (!kept_.empty()) purge_kept();
  if (!gone.empty()) look();
}

Jobs::Counts Foreman::counts() const {
  Jobs::Counts out;
  for (const auto& [id, job] : jobs_) {
    if (job.state == State::kQueued) ++out.queued;
    if (job.state == State::kRunning) ++out.running;
  }
  return out;
}

}  // namespace sagelet::jobs
