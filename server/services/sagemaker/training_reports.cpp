#include "server/services/sagemaker/training_reports.hpp"

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "fmt/format.h"
#include "server/resources/records.hpp"
#include "server/services/sagemaker/job_state.hpp"
#include "server/services/sagemaker/request_parts.hpp"
#include "server/services/sagemaker/run_credentials.hpp"
#include "server/services/sagemaker/run_id.hpp"
#include "server/services/sagemaker/warm_pools.hpp"

namespace sagelet::sagemaker {

using resources::Record;
using storage::Connection;

namespace {

/// KeepAlivePeriodInSeconds as it is now: UpdateTrainingJob may have changed it.
std::int64_t keep_alive_of(const Record& record) {
  const Document fixed = Document::parse("{" + record.fixed + "}");
  return number(part(fixed, "ResourceConfig"), "KeepAlivePeriodInSeconds");
}

void remove_pool(const std::string& folder) {
  if (folder.empty()) return;
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (error) log::warn("the warm pool's folder {} stays: {}", folder, error.message());
}

/// "<job>/algo-1-<seconds>" later than the last run's, so that two runs never share a stream.
std::string stream_after(const std::string& last, WallTime now) {
  const auto dash = last.rfind('-');
  const auto before = std::strtoll(last.c_str() + dash + 1, nullptr, 10);
  return fmt::format("{}{}", last.substr(0, dash + 1),
                     std::max<std::int64_t>(before + 1, to_millis(now) / 1000));
}

}  // namespace

/// Made before the change that may use it: enqueue() decides outside of the ledger.
struct TrainingReports::NextRun {
  std::string job_id, spec;
  storage::Change keep_credentials, enqueue;
};

TrainingReports::TrainingReports(const Rooms& rooms)
    : rooms_(rooms),
      timekeeper_(rooms.ledger, rooms.clock, [this](const Deadline& deadline) { handle(deadline); }) {}

Status TrainingReports::change_job(const Find& find, const Change& change) {
  return rooms_.ledger.commit_and_wait([&](Connection& connection) -> Status {
    auto record = find(connection);
    // A deleted job has nothing to tell any more, nor has a run that another one followed.
    if (!record) return record.error().is(ErrorKind::kNotFound) ? Status() : Status(record.error());
    JobState state = JobState::from(*record);
    TRY(const bool changed, change(connection, *record, state));
    if (!changed) return {};
    state.store(*record);
    return resources::update(connection, *record);
  });
}

Status TrainingReports::change_run(const std::string& job_id, const Change& change) {
  return change_job([&](Connection& connection) { return resources::find_by_handle(connection, job_id); },
                    change);
}

// ---- while it runs

void TrainingReports::pending(const std::string& job_id, const std::string& message) {
  const auto done = change_run(job_id, [&](Connection&, Record&, JobState& state) -> Result<bool> {
    state.pending(message, rooms_.clock.now());
    return true;
  });
  if (!done) log::warn("job {}: its message was not kept: {}", job_id, done.error().message());
}

Status TrainingReports::report(const Report& report) {
  return report.phase == Phase::kFinished ? end(report.job_id, report) : progress(report);
}

Status TrainingReports::progress(const Report& report) {
  bool timed = false;
  const auto change = [&](Connection& connection, Record& record, JobState& state) -> Result<bool> {
    if (!state.apply(report)) return false;
    timed = rooms_.options.spot_interrupt_after.count() > 0 && report.phase == Phase::kTraining &&
            state.first_interruption_due();
    if (timed)
      TRY(set_deadline(connection, record.id, due::kInterrupt,
                       rooms_.clock.now() + rooms_.options.spot_interrupt_after));
    return true;
  };
  TRY(change_run(report.job_id, change));
  if (timed) timekeeper_.poke();
  return {};
}

// ---- the end of a run

Status TrainingReports::lost(const std::string& job_id, const std::string& why) {
  log::warn("job {}: {}", job_id, why);
  return end(job_id, JobState::lost_report(rooms_.clock.now()));
}

Status TrainingReports::interrupted(const std::string& job_id, const std::string& why) {
  const auto change = [&](Connection&, Record&, JobState& state) -> Result<bool> {
    return state.interrupt(rooms_.clock.now());  // false: it is no spot job
  };
  TRY(change_run(job_id, change));
  return lost(job_id, why);
}

Result<std::optional<TrainingReports::NextRun>> TrainingReports::next_run(const std::string& job_id,
                                                                          const Report& last) {
  std::optional<JobState> state;
  TRY(rooms_.ledger.read([&](Connection& connection) -> Status {
    const auto record = resources::find_by_handle(connection, job_id);
    if (record) state = JobState::from(*record);
    return record || record.error().is(ErrorKind::kNotFound) ? Status() : Status(record.error());
  }));
  if (!state || !state->goes_on_after(last)) return std::optional<NextRun>();
  const auto plan = *state->attempts();
  jobs::Request request{.spec = {},
                        .instance_type = plan.instance_type,
                        .instance_count = plan.instances,
                        .outside_queue = plan.outside_queue};
  TRY(request.spec, JobSpec::from_json(plan.spec));
  NextRun next{
      .job_id = run_id(rooms_.ids, rooms_.clock.now()), .spec = {}, .keep_credentials = {}, .enqueue = {}};
  request.spec.job_id = next.job_id;
  next.keep_credentials = give_credentials(rooms_, request.spec);  // those of the last run end with it
  request.spec.log_stream = stream_after(request.spec.log_stream, rooms_.clock.now());
  next.spec = request.spec.to_json();
  request.spec.max_runtime_seconds = state->runtime_left(last).count();
  TRY(next.enqueue, rooms_.jobs.enqueue(std::move(request)));
  return std::optional(std::move(next));
}

Result<bool> TrainingReports::run_again(Connection& connection, Record& record, JobState& state,
                                        const Report& last, const NextRun& next) {
  state.start_again(last, next.spec);
  TRY(drop_deadline(connection, record.id, due::kStopAgain));
  TRY(resources::replace_handle(connection, record.id, next.job_id));
  TRY(next.keep_credentials(connection));
  TRY(next.enqueue(connection));
  return true;
}

Status TrainingReports::end(const std::string& job_id, const Report& last) {
  TRY(const auto next, next_run(job_id, last));
  std::string unused;
  bool again = false, changed_meanwhile = false;
  const auto change = [&](Connection& connection, Record& record, JobState& state) -> Result<bool> {
    again = state.goes_on_after(last);
    changed_meanwhile = again && !next;  // interrupted since we looked
    if (changed_meanwhile) return false;
    if (again) return run_again(connection, record, state, last, *next);
    if (!state.apply_end(last)) return false;
    TRY(drop_deadlines(connection, record.id));
    TRY(unused, settle_pool(connection, record.id, state, keep_alive_of(record)));
    return true;
  };
  TRY(change_run(job_id, change));
  if (changed_meanwhile) return end(job_id, last);
  crash_point("sagemaker.after_end");
  remove_pool(unused);
  if (again) rooms_.jobs.wake();
  timekeeper_.poke();
  return {};
}

// ---- interruptions

Status TrainingReports::interrupt_job(const Find& find) {
  std::string job_id;
  const auto change = [&](Connection& connection, Record& record, JobState& state) -> Result<bool> {
    TRY(drop_deadline(connection, record.id, due::kInterrupt));
    if (!state.interrupt(rooms_.clock.now())) return false;
    job_id = record.handle;
    TRY(set_deadline(connection, record.id, due::kStopAgain, rooms_.clock.now() + std::chrono::seconds(5)));
    return true;
  };
  TRY(change_job(find, change));
  if (job_id.empty()) return Error(ErrorKind::kInvalid, "it is no managed spot training job that is running");
  crash_point("sagemaker.interrupted");
  rooms_.jobs.stop(job_id);
  timekeeper_.poke();
  return {};
}

Status TrainingReports::interrupt(const resources::Scope& scope, const std::string& name) {
  bool there = false;
  const auto done = interrupt_job([&](Connection& connection) {
    auto record = resources::find(connection, scope, name);
    there = record.has_value();
    return record;
  });
  if (!done && !there) return Error(ErrorKind::kNotFound, "there is no training job " + name);
  return done;
}

// ---- what comes due

void TrainingReports::handle(const Deadline& deadline) {
  const std::int64_t record = deadline.record;
  Status done;
  if (deadline.kind == due::kWaitOver) done = handle_wait_over(record);
  if (deadline.kind == due::kPendingOver) done = handle_pending_over(record);
  if (deadline.kind == due::kInterrupt) done = handle_interrupt(record);
  if (deadline.kind == due::kStopAgain) done = handle_stop_again(record);
  if (deadline.kind == due::kPoolOver) done = handle_pool_over(record);
  if (!done) log::warn("{} of record {}: {}", deadline.kind, record, done.error().message());
}

/// A job that has its instances is not pending any more.
Status TrainingReports::handle_pending_over(std::int64_t id) {
  std::string job_id;
  const auto change = [&](Connection& connection, Record& record, JobState& state) -> Result<bool> {
    TRY(drop_deadline(connection, id, due::kPendingOver));
    if (state.finished() || state.ran() || record.status != "InProgress") return false;
    job_id = record.handle;
    state.stop(rooms_.clock.now());
    return true;
  };
  TRY(change_job([&](Connection& connection) { return resources::find_by_id(connection, id); }, change));
  if (!job_id.empty()) rooms_.jobs.stop(job_id);
  return {};
}

Status TrainingReports::handle_wait_over(std::int64_t id) {
  std::string job_id;
  const auto change = [&](Connection& connection, Record& record, JobState& state) -> Result<bool> {
    TRY(drop_deadlines(connection, id));
    if (state.finished()) return false;
    job_id = record.handle;
    state.run_out_of_wait(rooms_.clock.now());
    return true;
  };
  TRY(change_job([&](Connection& connection) { return resources::find_by_id(connection, id); }, change));
  if (!job_id.empty()) rooms_.jobs.stop(job_id);
  return {};
}

Status TrainingReports::handle_interrupt(std::int64_t id) {
  const auto done =
      interrupt_job([&](Connection& connection) { return resources::find_by_id(connection, id); });
  return done || done.error().is(ErrorKind::kInvalid) ? Status() : done;  // it has ended by itself
}

/// The stop may have been lost with a killed server; stopping twice is fine.
Status TrainingReports::handle_stop_again(std::int64_t id) {
  std::string job_id;
  const auto change = [&](Connection& connection, Record& record, JobState&) -> Result<bool> {
    job_id = record.handle;
    TRY(set_deadline(connection, id, due::kStopAgain, rooms_.clock.now() + std::chrono::seconds(30)));
    return false;
  };
  TRY(change_job([&](Connection& connection) { return resources::find_by_id(connection, id); }, change));
  rooms_.jobs.stop(job_id);
  return {};
}

Status TrainingReports::handle_pool_over(std::int64_t id) {
  std::string folder;
  const auto change = [&](Connection& connection) -> Status {
    TRY(drop_deadline(connection, id, due::kPoolOver));
    auto record = resources::find_by_id(connection, id);
    if (!record) return record.error().is(ErrorKind::kNotFound) ? Status() : Status(record.error());
    TRY(folder, end_pool(connection, *record, rooms_.clock.now()));
    return {};
  };
  TRY(rooms_.ledger.commit_and_wait(change));
  remove_pool(folder);
  return {};
}

// ---- after a restart

void TrainingReports::stop_again() {
  std::vector<std::string> stopping;
  const auto read = rooms_.ledger.read([&](Connection& connection) -> Status {
    auto row =
        connection.prepare("SELECT handle FROM resources WHERE status = 'Stopping' AND handle IS NOT NULL");
    while (true) {
      TRY(const bool found, row.step());
      if (!found) return {};
      stopping.emplace_back(row.text(0));
    }
  });
  if (!read) log::error("looking for jobs to stop: {}", read.error().message());
  for (const auto& job_id : stopping) rooms_.jobs.stop(job_id);
}

void TrainingReports::sweep_pools() {
  std::error_code error;
  if (!std::filesystem::is_directory(rooms_.options.warm_pools, error)) return;
  std::vector<std::string> kept;
  const auto read = rooms_.ledger.read([&](Connection& connection) -> Status {
    TRY(kept, pool_folders(connection));
    return {};
  });
  if (!read) return;
  for (const auto& entry : std::filesystem::directory_iterator(rooms_.options.warm_pools, error))
    if (std::ranges::find(kept, entry.path().native()) == kept.end()) remove_pool(entry.path().native());
}

void TrainingReports::resume() {
  stop_again();
  sweep_pools();
  timekeeper_.start();
}

}  // namespace sagelet::sagemaker
