// After a restart: who runs still, who ended meanwhile, who has to be started.
#include <algorithm>

#include "base/log.hpp"
#include "server/jobs/foreman.hpp"

namespace sagelet::jobs {

void Foreman::adopt() {
  if (adopted_) return;
  adopting_ = true;
  auto rows = rows_.after(0);
  if (!rows) {
    log::error("jobs cannot be taken back yet: {}", rows.error().message());
    look_again_ = true;
    retry_at_ = clock_.steady() + kRetryPause;
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
    owing_.insert(id);  // we may have been killed before
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
  if (!placement_.alive(job.row.handle) && !find_newer_runner(job)) return dead_.push_back(job.row.job_id);
  log::info("job {} goes on", job.row.job_id);
  if (options_.server_url)
    if (auto done = placement_.readdress(job.row.job_id, options_.server_url()); !done)
      log::warn("job {}: {}", job.row.job_id, done.error().message());
  if (job.row.stopping) placement_.stop(job.row.handle);
  watch(job);
}

/// One that took the job up a moment before we were killed.
bool Foreman::find_newer_runner(Job& job) {
  const auto newer = placement_.find(job.row.job_id);
  if (!newer || *newer == job.row.handle || !placement_.alive(*newer)) return false;
  job.row.handle = *newer;
  if (auto done = rows_.started(job.row.job_id, *newer, job.row.cpus); !done)
    log::error("job {}: {}", job.row.job_id, done.error().message());
  return true;
}

/// Queued as far as the ledger knows; but we may have been killed between the runner's start and its handle's
/// row.
void Foreman::adopt_queued(Job& job) {
  const auto id = job.row.job_id;
  if (const auto handle = placement_.find(id)) {
    job.row.handle = *handle;
    job.row.cpus = borrow(job);
    if (auto done = rows_.started(id, *handle, job.row.cpus); !done)
      log::error("job {}: {}", id, done.error().message());
    return adopt_started(job);
  }
  if (auto done = placement_.remove(id); !done) log::warn("job {}: {}", id, done.error().message());
  if (job.row.stopping) return stop(id);
  if (job.row.outside) return start(job, borrow(job));
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
  for (const auto& id : orphans) clean_up(id);
}

}  // namespace sagelet::jobs
