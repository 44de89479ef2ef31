#pragma once
// What jobs says about training jobs, and what comes due for them, applied to their records. Repeatable: a
// report that came twice changes nothing.
//
// A job whose machine was taken away, or that failed by our fault and may be retried, is run again: the
// change that applies its last report gives the record a new handle and enqueues a new run under it. So an
// attempt is never lost and never started twice: reports of the former run find no record any more.
#include <functional>
#include <optional>

#include "server/resources/records.hpp"
#include "server/services/sagemaker/service.hpp"
#include "server/services/sagemaker/timekeeper.hpp"

namespace sagelet::sagemaker {

class JobState;

/// Called on the jobs thread and on the timekeeper's; waits for the ledger.
class TrainingReports final : public jobs::Listener {
 public:
  explicit TrainingReports(const Rooms& rooms);

  void pending(const std::string& job_id, const std::string& message) override;
  Status report(const Report& report) override;
  Status lost(const std::string& job_id, const std::string& why) override;
  Status interrupted(const std::string& job_id, const std::string& why) override;

  /// Takes the machine of a spot job away.
  Status interrupt(const resources::Scope& scope, const std::string& name);

  /// Jobs that were told to stop when the server went are told again; folders of pools that are gone go.
  void resume();
  Timekeeper& timekeeper() { return timekeeper_; }

 private:
  struct NextRun;
  using Find = std::function<Result<resources::Record>(storage::Connection&)>;
  /// `change` gives false when nothing is to be written.
  using Change = std::function<Result<bool>(storage::Connection&, resources::Record&, JobState&)>;
  Status change_job(const Find& find, const Change& change);
  Status change_run(const std::string& job_id, const Change& change);

  Status progress(const Report& report);
  Status end(const std::string& job_id, const Report& last);
  Result<std::optional<NextRun>> next_run(const std::string& job_id, const Report& last);
  Result<bool> run_again(storage::Connection& connection, resources::Record& record, JobState& state,
                         const Report& last, const NextRun& next);

  void handle(const Deadline& deadline);
  Status handle_wait_over(std::int64_t record);
  Status handle_pending_over(std::int64_t record);
  Status handle_interrupt(std::int64_t record);
  Status handle_stop_again(std::int64_t record);
  Status handle_pool_over(std::int64_t record);
  Status interrupt_job(const Find& find);
  void stop_again();
  void sweep_pools();

  Rooms rooms_;
  Timekeeper timekeeper_;
};

}  // namespace sagelet::sagemaker
