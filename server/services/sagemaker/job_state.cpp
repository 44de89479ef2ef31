#include "server/services/sagemaker/job_state.hpp"

#include <algorithm>
#include <cmath>

#include "server/resources/plain.hpp"

namespace sagelet::sagemaker {

using nlohmann::json;

namespace {

constexpr std::size_t kLongestReason = 1024;
constexpr std::string_view kStopping = "Stopping the training job";

double seconds(std::int64_t ms) {
  return static_cast<double>(ms) / 1000;
}

std::int64_t millis(const json& seconds_value) {
  return std::llround(seconds_value.get<double>() * 1000);
}

std::string_view message_of(Phase phase) {
  switch (phase) {
    case Phase::kStarting:
      return "Preparing the instances for training";
    case Phase::kDownloading:
      return "Downloading input data";
    case Phase::kTraining:
      return "Training image download completed. Training in progress.";
    case Phase::kUploading:
      return "Uploading generated training model";
    case Phase::kFinished:
      break;
  }
  return "";
}

std::string_view status_of(Phase phase) {
  switch (phase) {
    case Phase::kStarting:
      return "Starting";
    case Phase::kDownloading:
      return "Downloading";
    case Phase::kTraining:
      return "Training";
    default:
      return "Uploading";
  }
}

/// JSON has no word for these; AWS writes them as strings.
json number_or_word(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

}  // namespace

std::string_view cut(std::string_view text, std::size_t limit) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts_one = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (starts_one && ++characters > limit) return text.substr(0, i);
  }
  return text;
}

JobState JobState::fresh(std::string arn, WallTime now) {
  JobState state;
  state.hidden_ = {{"arn", std::move(arn)}, {"created", to_millis(now)}, {"reports", json::object()}};
  state.shown_ = {{"TrainingJobStatus", "InProgress"}, {"SecondaryStatusTransitions", json::array()}};
  state.enter("Starting", "Starting the training job", to_millis(now));
  return state;
}

JobState JobState::from(const resources::Record& record) {
  JobState state;
  state.shown_ = json::parse("{" + record.changing + "}");
  state.hidden_ = json::parse(record.hidden);
  return state;
}

const std::string& JobState::status() const {
  return shown_.at("TrainingJobStatus").get_ref<const std::string&>();
}

const std::string& JobState::secondary() const {
  return shown_.at("SecondaryStatus").get_ref<const std::string&>();
}

bool JobState::finished() const {
  return status() != "InProgress" && status() != "Stopping";
}

std::int64_t JobState::not_before_last(std::int64_t at_ms) const {
  const json& history = shown_.at("SecondaryStatusTransitions");
  if (history.empty()) return at_ms;
  return std::max(at_ms, millis(history.back().at("StartTime")));
}

void JobState::close_last(std::int64_t at_ms) {
  json& history = shown_["SecondaryStatusTransitions"];
  if (!history.empty()) history.back()["EndTime"] = seconds(at_ms);
}

void JobState::enter(std::string_view secondary, std::string_view message, std::int64_t at_ms) {
  at_ms = not_before_last(at_ms);
  close_last(at_ms);
  shown_["SecondaryStatus"] = secondary;
  shown_["LastModifiedTime"] = seconds(at_ms);
  shown_["SecondaryStatusTransitions"].push_back(
      {{"Status", secondary}, {"StartTime", seconds(at_ms)}, {"StatusMessage", message}});
}

void JobState::say(const std::string& message) {
  shown_["SecondaryStatusTransitions"].back()["StatusMessage"] = message;
}

void JobState::pending(const std::string& message, WallTime at) {
  if (status() != "InProgress") return;
  if (secondary() == "Pending") {
    say(message);
  } else if (secondary() == "Starting") {
    enter("Pending", message, to_millis(at));
  }
}

void JobState::stop(WallTime at) {
  shown_["TrainingJobStatus"] = "Stopping";
  enter("Stopping", kStopping, to_millis(at));
}

bool JobState::apply(const Report& report) {
  auto& seen = hidden_["reports"][report.host];
  if (seen.is_number() && seen.get<std::uint64_t>() >= report.number) return false;
  if (finished()) return false;
  seen = report.number;
  if (report.phase == Phase::kFinished) {
    finish(report);
  } else {
    progress(report);
  }
  return true;
}

void JobState::progress(const Report& report) {
  const auto next = status_of(report.phase);
  const std::string message = report.message.empty() ? std::string(message_of(report.phase)) : report.message;
  const bool instances_up = report.phase != Phase::kStarting;
  if (instances_up && !shown_.contains("TrainingStartTime"))
    shown_["TrainingStartTime"] =
        seconds(report.training_start_ms > 0 ? report.training_start_ms : not_before_last(report.time_ms));
  if (status() == "Stopping" && report.phase != Phase::kUploading) return;
  if (secondary() == next) {
    say(message);
    shown_["LastModifiedTime"] = seconds(not_before_last(report.time_ms));
  } else {
    enter(next, message, report.time_ms);
  }
}

void JobState::note_times(std::int64_t start_ms, std::int64_t end_ms) {
  if (start_ms > 0) shown_["TrainingStartTime"] = seconds(start_ms);
  shown_["TrainingEndTime"] = seconds(end_ms);
  if (!shown_.contains("TrainingStartTime")) return;
  const auto took = end_ms - millis(shown_["TrainingStartTime"]);
  const auto whole = std::max<std::int64_t>(1, (took + 500) / 1000);
  shown_["TrainingTimeInSeconds"] = whole;
  shown_["BillableTimeInSeconds"] = whole;
}

void JobState::note_results(const Report& report) {
  if (!report.model_uri.empty()) shown_["ModelArtifacts"] = {{"S3ModelArtifacts", report.model_uri}};
  json metrics = json::array();
  for (const auto& metric : report.metrics)
    metrics.push_back(
        {{"MetricName", metric.name},
         {"Value", number_or_word(static_cast<float>(metric.value))},  // float32, shown as a double
         {"Timestamp", metric.time_ms / 1000}});
  if (!metrics.empty()) shown_["FinalMetricDataList"] = std::move(metrics);
}

void JobState::end_as(std::string_view status, std::string_view secondary, std::string_view message,
                      std::int64_t at_ms) {
  shown_["TrainingJobStatus"] = status;
  enter(secondary, message, at_ms);
  close_last(not_before_last(at_ms));
}

Outcome JobState::outcome_of(const Report& report) const {
  const bool told_to_stop = status() == "Stopping";
  if (report.outcome == Outcome::kNone) return Outcome::kFailed;
  // How a program ends that was told to does not matter; a failed upload still does.
  if (told_to_stop && report.outcome == Outcome::kCompleted) return Outcome::kStopped;
  if (told_to_stop && report.outcome == Outcome::kFailed &&
      report.failure_reason.starts_with("AlgorithmError"))
    return Outcome::kStopped;
  return report.outcome;
}

void JobState::stop_before_upload(std::int64_t end_ms) {
  if (status() != "InProgress") return;
  json& history = shown_["SecondaryStatusTransitions"];
  if (secondary() != "Uploading") {
    stop(from_millis(end_ms));
    return;
  }
  const json since = history.back().at("StartTime");
  history.insert(
      history.end() - 1,
      json{{"Status", "Stopping"}, {"StartTime", since}, {"EndTime", since}, {"StatusMessage", kStopping}});
}

void JobState::finish(const Report& report) {
  const auto end = not_before_last(report.training_end_ms > 0 ? report.training_end_ms : report.time_ms);
  note_times(report.training_start_ms, end);
  note_results(report);
  switch (outcome_of(report)) {
    case Outcome::kCompleted:
      end_as("Completed", "Completed", "Training job completed", end);
      break;
    case Outcome::kStopped:
      end_as("Stopped", "Stopped", "Training job stopped", end);
      break;
    case Outcome::kMaxRuntimeExceeded:
      stop_before_upload(end);
      end_as("Stopped", "MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided",
             end);
      break;
    default:
      shown_["FailureReason"] = cut(report.failure_reason, kLongestReason);
      end_as("Failed", "Failed", "Training job failed", end);
  }
}

void JobState::fail(std::string_view reason, WallTime at) {
  const auto end = not_before_last(to_millis(at));
  note_times(0, end);
  shown_["FailureReason"] = cut(reason, kLongestReason);
  end_as("Failed", "Failed", "Training job failed", end);
}

void JobState::store(resources::Record& record) const {
  json row{{"TrainingJobName", record.name},
           {"TrainingJobArn", hidden_.at("arn")},
           {"CreationTime", seconds(hidden_.at("created").get<std::int64_t>())}};
  for (const char* member : {"TrainingEndTime", "LastModifiedTime", "TrainingJobStatus", "SecondaryStatus"})
    if (const auto found = shown_.find(member); found != shown_.end()) row[member] = *found;
  record.summary = row.dump();
  record.changing = resources::members_text(shown_);
  record.hidden = hidden_.dump();
  record.status = status();
  record.created_ms = hidden_.at("created").get<std::int64_t>();
  record.modified_ms = millis(shown_.at("LastModifiedTime"));
}

}  // namespace sagelet::sagemaker
