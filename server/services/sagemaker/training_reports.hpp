#pragma once
// What jobs says about training jobs, applied to their records. Repeatable: a report that came twice changes
// nothing.
#include "server/services/sagemaker/service.hpp"

namespace sagelet::sagemaker {

class JobState;

/// Called on the jobs thread; waits for the ledger.
class TrainingReports final : public jobs::Listener {
 public:
  explicit TrainingReports(const Rooms& rooms) : rooms_(rooms) {}

  void pending(const std::string& job_id, const std::string& message) override;
  Status report(const Report& report) override;
  Status lost(const std::string& job_id, const std::string& why) override;

  void stop_again();

 private:
  /// `change` gives false when nothing is to be written.
  Status change_job(const std::string& job_id, const std::function<bool(JobState&)>& change);

  Rooms rooms_;
};

}  // namespace sagelet::sagemaker
