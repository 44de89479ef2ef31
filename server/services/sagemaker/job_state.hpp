#pragma once
// What changes in a training job's record: status, history, times, failure, metrics. Pure data, no clock, no
// ledger.
//
//   InProgress: Starting -> (Pending) -> Downloading -> Training -> Uploading -> Completed | Failed
//   stop:       any of these -> Stopping -> (Uploading) -> Stopped, or MaxRuntimeExceeded (also Stopped)
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "nlohmann/json.hpp"
#include "runner/spec.hpp"
#include "server/resources/records.hpp"

namespace sagelet::sagemaker {

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
  /// Stopping at once. The caller has made sure that the job is alive.
  void stop(WallTime at);
  /// Ends the job as Failed. `reason` is cut to 1,024 characters.
  void fail(std::string_view reason, WallTime at);

  /// Writes status, times, summary and the changing pieces into `record`.
  void store(resources::Record& record) const;

 private:
  void enter(std::string_view secondary, std::string_view message, std::int64_t at_ms);
  void close_last(std::int64_t at_ms);
  void say(const std::string& message);
  std::int64_t not_before_last(std::int64_t at_ms) const;
  void progress(const Report& report);
  void finish(const Report& report);
  Outcome outcome_of(const Report& report) const;
  /// A time limit is seen by the runner alone: puts the Stopping that it did not report into the history.
  void stop_before_upload(std::int64_t end_ms);
  void note_results(const Report& report);
  void note_times(std::int64_t start_ms, std::int64_t end_ms);
  void end_as(std::string_view status, std::string_view secondary, std::string_view message,
              std::int64_t at_ms);

  nlohmann::json shown_;   ///< members of the answer
  nlohmann::json hidden_;  ///< arn, created, reports seen by host
};

/// At most `limit` characters of UTF-8.
std::string_view cut(std::string_view text, std::size_t limit);

}  // namespace sagelet::sagemaker
