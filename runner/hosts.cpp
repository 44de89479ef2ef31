#include "runner/hosts.hpp"

#include <poll.h>

#include <optional>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "runner/forked_hosts.hpp"
#include "runner/merged.hpp"
#include "runner/run.hpp"
#include "runner/slurm/step.hpp"
#include "runner/steps/steps.hpp"
#include "runner/verdict.hpp"

namespace sagelet::runner {
namespace {

class Leader {
 public:
  Leader(JobSpec spec, const StopSignal& stop)
      : spec_(std::move(spec)),
        stop_(stop),
        merged_(spec_.hosts),
        crew_(spec_.on_node() ? make_step(spec_) : make_forked_hosts(spec_)) {}

  int run() {
    // Before any host: whoever looks for the job's runner finds this one.
    if (const Status done = introduce(spec_, 0, "hosts"); !done) log::error("{}", done.error().message());
    const Status started = crew_->start();
    crash_point("hosts-started");
    job_.emplace(spec_, stop_, nullptr);
    if (!started) {
      log::error("{}", started.error().message());
      lose_absent(started.error().message());
    }
    if (merged_.failed()) end_others();
    while (crew_->busy()) step();
    lose_absent("its runner was gone");
    return finish();
  }

 private:
  void lose_absent(const std::string& how) {
    for (const std::string& host : crew_->absent()) lose(host, how);
  }

  void lose(const std::string& host, const std::string& how) {
    if (merged_.has_ended(host)) return;
    log::error("{} ended without a report: {}", host, how);
    merged_.lose(host, spec_.on_node() ? host + ": " + how : std::string());
  }

  void step() {
    std::vector<pollfd> fds{{stopped_ ? -1 : stop_.fd(), POLLIN, 0}};
    for (const int fd : crew_->fds()) fds.push_back({fd, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), crew_->patience()) < 0) return;
    if (fds[0].revents) end_others();
    crew_->hear({.report = [this](std::string_view text) { heard(text); },
                 .gone = [this](const std::string& host, const std::string& how) { lose(host, how); }});
    if (merged_.failed() && !stopped_) end_others();
  }

  void end_others() {
    stopped_ = true;
    crew_->stop();
  }

  void heard(std::string_view text) {
    const auto report = Report::from_json(text);
    if (!report) return log::error("{}", report.error().message());
    if (report->phase == Phase::kFinished) log::info("{}: {}", report->host, to_string(report->outcome));
    if (auto said = merged_.take(*report); said && !merged_.failed()) job_->reports.say(std::move(*said));
  }

  /// The first host's files win over those of the same name.
  Status collect() {
    TRY(crew_->bring_outputs(*job_));
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
    crew_->tidy_up(*job_);
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
  const std::unique_ptr<Crew> crew_;
  std::optional<Job> job_;  ///< what all hosts have in common: reports and outputs
  bool stopped_ = false;
};

}  // namespace

int run_hosts(JobSpec spec, const StopSignal& stop) {
  return Leader(std::move(spec), stop).run();
}

}  // namespace sagelet::runner
