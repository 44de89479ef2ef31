#pragma once
// What changes in a training job's record: status, history, times, failure, metrics. Pure data, no clock, no
// ledger.
//
//   InProgress: Starting -> (Pending) -> Downloading -> Training -> Uploading -> Completed | Failed
//   stop:       any of these -> Stopping -> (Uploading) -> Stopped, or MaxRuntimeExceeded or
//   MaxWaitTimeExceeded again:      (spot: -> Interrupted) -> Starting, as a new run of the queue for the
//   same record
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "nlohmann/json.hpp"
#include "runner/spec.hpp"
#include "server/resources/records.hpp"

namespace sagelet::sagemaker {

/// What a job may be run again with. Kept in the record, so that a restart of the server forgets no attempt.
struct AttemptPlan {
  std::string spec;  ///< of the first attempt, as JSON
  std::string instance_type;
  int instances = 1;
  bool outside_queue = false;
  bool spot = false;
  int retries = 0;  ///< after an internal error
};

class JobState {
 public:
  /// A job that was accepted now.
  static JobState fresh(std::string arn, WallTime now);
  /// As store() left it.
  static JobState from(const resources::Record& record);

  const std::string& status() const;
  const std::string& secondary() const;
  bool finished() const;

  /// The message of a job that waits for cores.
  void pending(const std::string& message, WallTime at);
  /// False when the report says nothing new: seen before, or the job has ended.
  bool apply(const Report& report);
  /// The same for a final report, or for one that was made up of a loss and has no number.
  bool apply_end(const Report& last);
  /// Stopping at once. The caller has made sure that the job is alive.
  void stop(WallTime at);
  /// Ends the job as Failed. `reason` is cut to 1,024 characters.
  void fail(std::string_view reason, WallTime at);

  // ---- attempts
  void plan_attempts(const AttemptPlan& plan);
  std::optional<AttemptPlan> attempts() const;
  /// The machine is taken away from a spot job. False: it is no running spot job, or is losing its machine
  /// already.
  bool interrupt(WallTime at);
  bool interrupted() const;
  /// MaxWaitTimeInSeconds has passed: Stopping, to end as MaxWaitTimeExceeded.
  void run_out_of_wait(WallTime at);
  /// Is the job run again after this final report, instead of ending with it?
  bool goes_on_after(const Report& last) const;
  /// What `lost` amounts to: the report of a run that ended by our fault.
  static Report lost_report(WallTime at);
  /// The attempt that ended counts; the next one, `spec`, is about to be queued.
  void start_again(const Report& last, std::string spec);
  /// True once: the first attempt of a spot job is under way.
  bool first_interruption_due();
  /// What MaxRuntimeInSeconds leaves to the next attempt after `last`.
  std::chrono::seconds runtime_left(const Report& last) const;

  // ---- warm pool
  /// WarmPoolStatus; `retained` and `reused_by` as far as they are known.
  void warm_pool(std::string_view status, std::optional<std::int64_t> retained_seconds = std::nullopt,
                 std::string_view reused_by = {});
  std::string warm_pool_status() const;  ///< empty: never had one
  std::int64_t ended_ms() const;         ///< TrainingEndTime; 0 while it runs
  bool ran() const;                      ///< its instances were up

  /// Writes status, times, summary and the changing pieces into `record`.
  void store(resources::Record& record) const;

 private:
  void enter(std::string_view secondary, std::string_view message, std::int64_t at_ms);
  void close_last(std::int64_t at_ms);
  void say(const std::string& message);
  std::string summary(const std::string& name) const;
  std::int64_t not_before_last(std::int64_t at_ms) const;
  void progress(const Report& report);
  void finish(const Report& report);
  Outcome outcome_of(const Report& report) const;
  /// A time limit is seen by the runner alone: puts the Stopping that it did not report into the history.
  void stop_before_upload(std::int64_t end_ms);
  void note_results(const Report& report);
  void note_times(std::int64_t start_ms, std::int64_t end_ms);
  std::int64_t trained_ms(std::int64_t start_ms, std::int64_t end_ms) const;
  void end_as(std::string_view status, std::string_view secondary, std::string_view message,
              std::int64_t at_ms);

  nlohmann::json shown_;   ///< members of the answer
  nlohmann::json hidden_;  ///< docs/formats/records.md
};

/// At most `limit` characters of UTF-8.
std::string_view cut(std::string_view text, std::size_t limit);

}  // namespace sagelet::sagemaker
