#pragma once
// Runs the rules of all buckets when something can fall due. Without rules there is no thread.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "server/services/s3/lifecycle/sweep.hpp"

namespace sagelet::s3::lifecycle {

class Worker {
 public:
  Worker(storage::ObjectStore& objects, notifications::Outbox& outbox, const Clock& clock, Ids& ids,
         Calendar calendar);
  ~Worker();

  const Calendar& calendar() const { return around_.calendar; }
  /// A bucket may have rules from now on, which act at `first` for the first time.
  void watch(WallTime first);
  /// All rules once, on this thread; false when no bucket has any. watch()'s thread does this.
  Result<bool> run_once();

 private:
  void loop();

  Surroundings around_;
  const Clock& clock_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable woken_;
  std::optional<WallTime> next_;  ///< run
  std::thread thread_;            ///< started by the first watch()
};

}  // namespace sagelet::s3::lifecycle
