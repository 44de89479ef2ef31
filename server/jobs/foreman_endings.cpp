// Reports, and how a job ends: by its final report, by a stop in the queue, or without a word.
#include <vector>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "fmt/format.h"
#include "server/jobs/foreman.hpp"
#include "server/jobs/leftovers.hpp"

namespace sagelet::jobs {

/// Each number once. A final report is acknowledged when both the listener's record and our row are durable;
/// of others the row may lag behind, which costs the listener a repeated report after a crash.
Status Foreman::apply(Job& job, const Report& report) {
  if (job.state == State::kLeaving || report.number <= job.row.last_report) return {};
  if (queues_ && report.outcome == Outcome::kStopped && !job.row.stopping) {
    job.ended_by_others = true;  // the placement will say who it was
    return {};
  }
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
  if (job.kept) {
    TRY(rows_.keep(job.row.job_id, clock_.now()));
    kept_[job.row.job_id] = to_millis(clock_.now());
  } else {
    TRY(rows_.remove(job.row.job_id));
  }
  if (options_.ended) options_.ended(job.row.job_id);
  return {};
}

void Foreman::runner_gone(Job& job) {
  const auto id = job.row.job_id;
  job.watch.reset();
  watched_.erase(id);
  if (job.state != State::kLeaving) {
    if (placement_.take_up(id) != TakeUp::kContainer) placement_.kill({id}, {job.row.handle});
    if (job.why.empty()) job.why = "its runner ended without a report";
  }
  settle(id);
}

/// For a job without a runner: gives it another where that can go on, else brings its end to the listener and
/// lets go of it. What cannot be delivered now (a full disk) is tried again.
void Foreman::settle(const std::string& job_id) {
  auto& job = jobs_.at(job_id);
  if (job.state != State::kLeaving) {
    if (auto done = deliver_end(job); !done) {
      log::warn("the end of job {} is not recorded yet: {}", job_id, done.error().message());
      unsettled_.insert(job_id);
      retry_at_ = clock_.steady() + kRetryPause;
      return;
    }
    const auto left = jobs_.find(job_id);
    if (left == jobs_.end() || left->second.state == State::kRunning) return;  // another runner has it
  }
  forget(job_id);
}

Status Foreman::deliver_end(Job& job) {
  const auto id = job.row.job_id;
  for (const auto& report : placement_.left_reports(id)) TRY(apply(job, report));
  if (job.state == State::kLeaving) return {};
  if (take_up(job) || hand_over_again(job)) return {};
  // A runner that SIGTERM met before it could handle it has done nothing yet, as one that never started.
  if (job.row.stopping && !job.runner_was_up) return apply(job, final_report(job, Outcome::kStopped));
  if (job.ending) return apply_ending(job);
  const auto noted = placement_.noted_end(id);
  const auto why = noted.empty() ? job.why : fmt::format("{} (the script had ended with {})", job.why, noted);
  TRY(auto* const listener, listener_of(job));
  TRY(listener->lost(id, why));
  TRY(end_row(job, true));
  free_cores(job);
  job.state = State::kLeaving;
  return {};
}

/// A runner after the one that was killed. The row tells of it when it runs; if we are killed in between, the
/// next server finds it.
bool Foreman::take_up(Job& job) {
  const auto id = job.row.job_id;
  if (job.row.handle.empty() || placement_.take_up(id) == TakeUp::kNo) return false;
  auto spec = spec_to_start(job, job.row.cpus);
  if (!spec) return false;
  spec->resumed = true;
  spec->stop_asked = job.row.stopping;
  spec->last_report = job.row.last_report;
  auto handle = placement_.start(*spec);
  if (!handle) {
    job.why += "; another could not be started: " + handle.error().message();
    return false;
  }
  log::info("job {} is taken up by another runner", id);
  job.row.handle = *handle;
  job.why.clear();
  unsettled_.erase(id);
  crash_point("jobs.after_take_up");
  if (const auto done = rows_.started(id, job.row.handle, job.row.cpus); !done)
    log::error("job {}: {}", id, done.error().message());
  watch(job);
  return true;
}

void Foreman::free_cores(Job& job) {
  if (!job.row.outside) cores_.give_back(job.row.cpus, job.row.want.share);
  job.row.cpus.clear();
}

void Foreman::forget(const std::string& job_id) {
  jobs_.erase(job_id);
  unsettled_.erase(job_id);
  clean_up(job_id);
}

/// The folder stays at least while it names what cannot be removed yet, as the containers of an engine that
/// is away: nobody else knows of them.
void Foreman::clean_up(const std::string& job_id) {
  const auto began = clock_.steady();
  auto done = remove_memory_groups(options_.folder / job_id, job_id);
  if (done) done = remove_containers(options_.folder / job_id, job_id);
  if (!done) {
    if (owing_.insert(job_id).second)
      log::info("what job {} has left stays for now: {}", job_id, done.error().message());
    const auto now = clock_.steady();  // one that hangs must not hold us up all the time
    retry_at_ = now + std::max<SteadyTime::duration>(kRetryPause, 3 * (now - began));
    return;
  }
  owing_.erase(job_id);
  if (kept_.contains(job_id)) return;
  if (done = placement_.remove(job_id); !done) log::warn("job {}: {}", job_id, done.error().message());
}

void Foreman::remove(const std::string& job_id) {
  if (jobs_.contains(job_id)) return;  // its folder goes when its runner has
  if (kept_.erase(job_id) == 0) return;
  if (auto done = rows_.remove(job_id); !done) log::warn("job {}: {}", job_id, done.error().message());
  clean_up(job_id);
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
    else if (options_.ended)
      options_.ended(row.job_id);
  for (auto& [id, job] : jobs_)
    if (job.state == State::kRunning) free_cores(job);
  jobs_.clear(), queue_.clear(), fresh_.clear(), watched_.clear(), dead_.clear();
  unsettled_.clear(), kept_.clear();
  for (const auto& id : placement_.folders()) clean_up(id);
}

}  // namespace sagelet::jobs
