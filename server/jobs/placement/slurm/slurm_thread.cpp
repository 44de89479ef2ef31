// The thread that talks to Slurm.
#include <algorithm>
#include <unordered_map>

#include "base/log.hpp"
#include "fmt/format.h"
#include "server/jobs/placement/slurm/script.hpp"
#include "server/jobs/placement/slurm/slurm.hpp"

namespace sagelet::jobs::slurm {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPause{1000};  ///< after slurmctld did not answer
constexpr milliseconds kSoon{100};
constexpr milliseconds kForRunner{250};  ///< a job that starts waits for its runner
constexpr int kAtOnce = 20;              ///< submissions between two looks at what else there is to do
constexpr int kAbsent = 2;               ///< lists without a job that mean it is gone
constexpr int kShare = 5;                ///< at most one part in so many of our time is lists

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

bool is_away(const Error& error) {
  return error.is(ErrorKind::kUnavailable) || error.is(ErrorKind::kTimeout);
}

bool needs_details(const Listed& job) {
  return job.state == "FAILED" || job.state == "OUT_OF_MEMORY";
}

}  // namespace

void SlurmPlacement::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!has_work()) {
      const auto next = next_look();
      const auto until = std::max(next.value_or(now() + std::chrono::hours(1)), not_before_);
      changed_.wait_until(lock, until, [&] { return stopping_ || has_work(); });
      if (stopping_) return;
      if (!has_work()) continue;
    }
    const bool due = next_look().value_or(SteadyTime::max()) <= now();
    lock.unlock();
    stop_and_kill();
    if (due) look();
    submit_some();
    send_runners();
    lock.lock();
  }
}

bool SlurmPlacement::has_work() const {
  if (now() < not_before_) return false;
  return asked_ || !to_submit_.empty() || !doubles_.empty() ||
         next_look().value_or(SteadyTime::max()) <= now();
}

/// None: nobody is there whom a list would tell of.
std::optional<SteadyTime> SlurmPlacement::next_look() const {
  bool any = false, soon = look_soon_, awaits_runner = false;
  for (const auto& [id, job] : jobs_) {
    if (job.place != Place::kThere && job.place != Place::kUnsure) continue;
    any = true;
    soon = soon || job.place == Place::kUnsure || job.kill;
    awaits_runner = awaits_runner || (sends_runner() && !job.runner_sent);
  }
  if (!any) return std::nullopt;
  const auto pause = soon ? kSoon : awaits_runner ? std::min(kForRunner, options_.tick) : options_.tick;
  return last_look_ + std::max(pause, kShare * look_took_);
}

/// False: slurmctld is away, and nothing else is to be tried for a moment.
bool SlurmPlacement::came_through(const Status& done) {
  if (done || !is_away(done.error())) return true;
  const std::lock_guard lock(mutex_);
  if (not_before_ + 10 * kPause < now()) log::warn("Slurm does not answer: {}", done.error().message());
  not_before_ = now() + kPause;
  return false;
}

// ---- stop and kill

void SlurmPlacement::stop_and_kill() {
  std::vector<std::string> waiting, killed;
  std::vector<std::pair<std::string, std::string>> running;
  {
    const std::lock_guard lock(mutex_);
    asked_ = false;
    killed = std::exchange(doubles_, {});
    for (const auto& [job_id, job] : jobs_) {
      if (job.place != Place::kThere) continue;
      if (job.kill) killed.push_back(job.id);
      if (!job.stop || job.kill || job.terminated) continue;
      if (job.started)
        running.emplace_back(job_id, job.id);
      else
        waiting.push_back(job.id);
    }
    look_soon_ = look_soon_ || !waiting.empty() || !killed.empty();
  }
  Status done;
  if (!killed.empty()) done = commands_->kill(killed);
  if (done && !waiting.empty()) done = commands_->cancel_waiting(waiting);
  if (!came_through(done)) {
    const std::lock_guard lock(mutex_);
    asked_ = true;
    return;
  }
  for (const auto& [job_id, id] : running) {
    if (done = commands_->terminate(id); !came_through(done)) return;
    if (!done) log::info("job {}: {}", job_id, done.error().message());
    const std::lock_guard lock(mutex_);
    if (const auto job = jobs_.find(job_id); done && job != jobs_.end()) job->second.terminated = true;
  }
}

// ---- submitting

void SlurmPlacement::submit_some() {
  for (int i = 0; i < kAtOnce; ++i) {
    std::string job_id;
    {
      const std::lock_guard lock(mutex_);
      if (to_submit_.empty() || stopping_ || now() < not_before_) return;
      job_id = std::exchange(to_submit_.front(), {});
      to_submit_.pop_front();
      const auto job = jobs_.find(job_id);
      if (job == jobs_.end() || job->second.place != Place::kHere) continue;
      job->second.place = Place::kUnsure;  // until we know
    }
    const auto spec = folders_.read_spec(job_id);
    if (!spec) {
      submitted(job_id, spec.error());
      continue;
    }
    const auto want = wanted(options_.settings, *spec, options_.cores_per_job, options_.memory_per_job);
    submitted(job_id, commands_->submit(
                          sbatch_words(*spec, want, comment_of(*spec)),
                          batch_script(options_.settings, *spec, runner_on_nodes(options_.settings, job_id)),
                          submission_environment(*spec)));
  }
}

void SlurmPlacement::submitted(const std::string& job_id, const Result<std::string>& id) {
  (void)came_through(id ? Status() : Status(id.error()));
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(job_id);
  if (found == jobs_.end()) {
    if (id) doubles_.push_back(*id);
    return;
  }
  auto& job = found->second;
  if (id) {
    job.place = Place::kThere;
    job.id = *id;
    note(job_id, job);
    if (job.stop || job.kill) asked_ = true;
  } else if (!is_away(id.error())) {
    const auto kind = id.error().is(ErrorKind::kNoSpace) ? "CapacityError" : "InternalServerError";
    gone(job_id, job, News::What::kFailed,
         fmt::format("{}: Slurm refuses the job: {}", kind, id.error().message()));
  }
}

// ---- the runner's way to nodes

void SlurmPlacement::send_runners() {
  if (!sends_runner()) return;
  std::vector<std::pair<std::string, std::string>> to_send;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [job_id, job] : jobs_)
      if (job.place == Place::kThere && job.started && !job.runner_sent && !job.kill)
        to_send.emplace_back(job_id, job.id);
  }
  for (const auto& [job_id, id] : to_send) {
    const auto place = runner_on_nodes(options_.settings, job_id);
    const auto word = folders_.of(job_id) / "runner.whole";
    auto done = write_file(word, "yes\n");
    if (done) done = commands_->send(id, options_.runner, place);
    if (done) done = commands_->send(id, word, arrival_of(place));
    if (!came_through(done)) return;
    if (!done) log::warn("job {}: its runner was not sent: {}", job_id, done.error().message());
    const std::lock_guard lock(mutex_);
    if (const auto job = jobs_.find(job_id); done && job != jobs_.end()) job->second.runner_sent = true;
  }
}

// ---- one list for all

void SlurmPlacement::look() {
  const auto began = now();
  auto listed = commands_->list();
  if (!came_through(listed ? Status() : Status(listed.error()))) return;
  if (listed) look_at_nodes(*listed);
  Listing ended;
  {
    const std::lock_guard lock(mutex_);
    last_look_ = now();
    look_took_ = std::chrono::ceil<milliseconds>(last_look_ - began);
    look_soon_ = false;
    if (!listed) return log::warn("squeue: {}", listed.error().message());
    ended = compare(*listed);
  }
  for (const auto& one : ended) {
    Shown shown;
    if (needs_details(one)) {
      auto answer = commands_->show(one.id);
      if (!came_through(answer ? Status() : Status(answer.error()))) return;  // the next list has it still
      if (answer) shown = std::move(*answer);
    }
    const auto news = ending_of(one, shown);
    const std::lock_guard lock(mutex_);
    const auto job = jobs_.find(one.job_id);
    if (job != jobs_.end() && job->second.id == one.id) gone(one.job_id, job->second, news.what, news.text);
  }
}

/// Asked for the partitions in which that matters, which are few and seldom.
void SlurmPlacement::look_at_nodes(Listing& listed) {
  std::unordered_map<std::string, bool> up;
  for (auto& one : listed) {
    if (!one.waits() || one.job_id.empty() || !depends_on_nodes(one.reason)) continue;
    const auto [known, is_new] = up.try_emplace(one.partition, true);
    if (is_new) known->second = commands_->has_node_up(one.partition).value_or(true);
    one.no_node_is_up = !known->second;
  }
}

/// Gives those that have ended, with our ids.
SlurmPlacement::Listing SlurmPlacement::compare(const Listing& listed) {
  std::unordered_map<std::string_view, const Listed*> by_id, by_job;
  for (const auto& one : listed) {
    by_id[one.id] = &one;
    if (one.job_id.empty()) continue;
    auto& newest = by_job[one.job_id];  // one that lives before one that has ended, a later before an earlier
    if (newest == nullptr || newest->ended() || !one.ended()) newest = &one;
  }
  Listing ended;
  for (auto& [job_id, job] : jobs_) {
    if (job.place == Place::kUnsure) {
      if (const auto found = by_job.find(job_id); found != by_job.end()) {
        job.place = Place::kThere;
        job.id = found->second->id;
        note(job_id, job);
      } else if (job.kill || job.stop) {
        gone(job_id, job, News::What::kCancelled, {});
      } else {
        job.place = Place::kHere;
        to_submit_.push_back(job_id);
      }
    }
    if (job.place != Place::kThere) continue;
    const auto found = by_id.find(job.id);
    const bool is_it =
        found != by_id.end() && (found->second->job_id == job_id || !jobs_.contains(found->second->job_id));
    if (!is_it) {
      is_absent(job_id, job);
      continue;
    }
    job.absent = 0;
    const auto& one = *found->second;
    if (one.ended()) {
      ended.push_back(one);
      ended.back().job_id = job_id;
    } else if (one.waits()) {
      waits(job_id, job, one);
    } else {
      runs(job_id, job);
    }
  }
  find_doubles(listed);
  return ended;
}

/// slurmctld may have forgotten what it accepted a moment before it was killed. What began by then and has
/// not been seen to run is known by its reports.
void SlurmPlacement::is_absent(const std::string& job_id, Job& job) {
  using What = News::What;
  if (++job.absent < kAbsent) return;
  gone(job_id, job,
       job.stop      ? What::kCancelled
       : job.started ? What::kGone
                     : What::kForgotten,
       fmt::format("Slurm does not know its job {} any more", job.id));
}

void SlurmPlacement::waits(const std::string& job_id, Job& job, const Listed& listed) {
  if (job.stop || job.kill) {
    asked_ = true;
    return;
  }
  if (auto text = waiting_text(listed); text != job.text) {
    job.text = std::move(text);
    tell({job_id, News::What::kPending, job.text});
  }
  if (!is_hopeless(listed)) {
    job.hopeless_since.reset();
  } else if (!job.hopeless_since) {
    job.hopeless_since = now();
  } else if (now() - *job.hopeless_since >= options_.settings.capacity_wait) {
    job.given_up =
        fmt::format("CapacityError: Unable to provision requested ML compute capacity. {}", job.text);
    job.stop = asked_ = true;
  }
}

void SlurmPlacement::runs(const std::string& job_id, Job& job) {
  if ((job.stop && !job.terminated) || job.kill) asked_ = true;
  if (job.started) return;
  job.started = true;
  note(job_id, job);
  tell({job_id, News::What::kStarted, {}});
}

/// A submission that we took for failed, or that a server before us left under way.
void SlurmPlacement::find_doubles(const Listing& listed) {
  for (const auto& one : listed) {
    if (one.ended()) continue;
    const auto job = jobs_.find(one.job_id);
    if (job == jobs_.end() || job->second.place != Place::kThere || job->second.id == one.id) continue;
    log::warn("job {} is in Slurm twice, {} is cancelled", one.job_id, one.id);
    doubles_.push_back(one.id);
  }
}

}  // namespace sagelet::jobs::slurm
