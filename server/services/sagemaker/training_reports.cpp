#include "server/services/sagemaker/training_reports.hpp"

#include "base/log.hpp"
#include "server/resources/records.hpp"
#include "server/services/sagemaker/job_state.hpp"

namespace sagelet::sagemaker {

using storage::Connection;

Status TrainingReports::change_job(const std::string& job_id, const std::function<bool(JobState&)>& change) {
  return rooms_.ledger.commit_and_wait([&](Connection& connection) -> Status {
    auto record = resources::find_by_handle(connection, job_id);
    // A deleted job has nothing to tell any more.
    if (!record) return record.error().is(ErrorKind::kNotFound) ? Status() : Status(record.error());
    JobState state = JobState::from(*record);
    if (!change(state)) return {};
    state.store(*record);
    return resources::update(connection, *record);
  });
}

void TrainingReports::pending(const std::string& job_id, const std::string& message) {
  const auto done = change_job(job_id, [&](JobState& state) {
    state.pending(message, rooms_.clock.now());
    return true;
  });
  if (!done) log::warn("job {}: its message was not kept: {}", job_id, done.error().message());
}

Status TrainingReports::report(const Report& report) {
  return change_job(report.job_id, [&](JobState& state) { return state.apply(report); });
}

Status TrainingReports::lost(const std::string& job_id, const std::string& why) {
  log::warn("job {}: {}", job_id, why);
  return change_job(job_id, [&](JobState& state) {
    if (state.finished()) return false;
    state.fail("InternalServerError: We encountered an internal error. Please try again.",
               rooms_.clock.now());
    return true;
  });
}

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

}  // namespace sagelet::sagemaker
