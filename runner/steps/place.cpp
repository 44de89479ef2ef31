#include "runner/steps/steps.hpp"

namespace sagelet::runner {

Status take_place(Job& job) {
  bool told = false;
  while (true) {
    TRY(const bool taken, job.sandbox->take_place());
    if (taken) return {};
    if (!std::exchange(told, true))
      job.report(Phase::kStarting, "Waiting for /opt/ml: another job of this machine has it");
    if (job.server.job_is_gone()) return Error(ErrorKind::kUnavailable, "the job's folder is gone");
    if (!job.stop.sleep(std::chrono::milliseconds(100))) return Error(ErrorKind::kCancelled, "stopped");
  }
}

}  // namespace sagelet::runner
