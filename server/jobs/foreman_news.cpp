// Of a placement that queues by itself: what it says of jobs, and the ends that their runners did not tell.
#include "base/log.hpp"
#include "fmt/format.h"
#include "server/jobs/foreman.hpp"

namespace sagelet::jobs {

namespace {

/// One that forgets it each time cannot be told from one that hides it from us.
constexpr int kHandedOverAgain = 3;

}  // namespace

std::vector<int> Foreman::borrow(const Job& job) const {
  return queues_ ? std::vector<int>() : cores_.borrow(job.row.want);
}

void Foreman::hear(const News& news) {
  const auto found = jobs_.find(news.job_id);
  if (found == jobs_.end() || found->second.state == State::kQueued) return;
  auto& job = found->second;
  job.waits_there = news.what == News::What::kPending;
  if (job.state == State::kRunning && job.waits_there) return tell(job, news.text);
  if (news.what == News::What::kPending || news.what == News::What::kStarted) return;
  job.why = news.text;
  job.ending = news;
  runner_gone(job);
}

/// What had accepted the job forgot it before it began. One that has reported did begin, and must not run
/// twice.
bool Foreman::hand_over_again(Job& job) {
  if (!job.ending || job.ending->what != News::What::kForgotten) return false;
  if (job.row.last_report > 0 || job.ended_by_others || job.row.stopping) return false;
  if (++job.handed_over_again > kHandedOverAgain) return false;
  if (auto done = hand_over(job, borrow(job)); !done) {
    job.ending->text += "; it could not be started again: " + done.error().message();
    return false;
  }
  log::info("job {} is handed over again: {}", job.row.job_id, job.ending->text);
  job.ending.reset();
  job.why.clear();
  unsettled_.erase(job.row.job_id);
  watch(job);
  return true;
}

Status Foreman::apply_ending(Job& job) {
  using What = News::What;
  const auto& [id, what, text] = *job.ending;
  const bool by_us = job.row.stopping;
  if (by_us && (what == What::kCancelled || what == What::kInterrupted))
    return apply(job, final_report(job, Outcome::kStopped));
  if (what == What::kMaxRuntimeExceeded) return apply(job, final_report(job, Outcome::kMaxRuntimeExceeded));
  if (what == What::kFailed || what == What::kCancelled)
    return apply(job, final_report(job, Outcome::kFailed, text));
  if ((what == What::kGone || what == What::kForgotten) && job.ended_by_others)
    return apply(
        job, final_report(job, Outcome::kFailed, "InternalServerError: the job was told to stop in Slurm"));
  TRY(auto* const listener, listener_of(job));
  const auto noted = placement_.noted_end(id);
  const auto why = noted.empty() ? text : fmt::format("{} (the script had ended with {})", text, noted);
  TRY(what == What::kInterrupted ? listener->interrupted(id, why) : listener->lost(id, why));
  TRY(end_row(job, what != What::kInterrupted));
  free_cores(job);
  job.state = State::kLeaving;
  return {};
}

Report Foreman::final_report(const Job& job, Outcome outcome, std::string reason) const {
  Report report;
  report.job_id = job.row.job_id;
  report.host = "algo-1";
  report.number = job.row.last_report + 1;
  report.time_ms = to_millis(clock_.now());
  report.phase = Phase::kFinished;
  report.outcome = outcome;
  report.failure_reason = std::move(reason);
  return report;
}

}  // namespace sagelet::jobs
