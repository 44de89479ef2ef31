#include "server/services/sagemaker/job_state.hpp"

#include <algorithm>
#include <cmath>

#include "server/resources/plain.hpp"
#include "server/resources/print.hpp"

namespace sagelet::sagemaker {

using nlohmann::json;

namespace {

constexpr std::size_t kLongestReason = 1024;
constexpr std::string_view kStopping = "Stopping the training job";
constexpr std::string_view kInternalError =
    "InternalServerError: We encountered an internal error. Please try again.";
/// What a spot machine costs of its price on demand: BillableTimeInSeconds shows the saving.
constexpr double kSpotPrice = 0.3;
constexpr std::int64_t kDefaultRuntime = 86400;

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
  JobState state;  // member by member: a braced list of json is built twice
  state.hidden_["arn"] = std::move(arn);
  state.hidden_["created"] = to_millis(now);
  state.hidden_["reports"] = json::object();
  state.shown_["TrainingJobStatus"] = "InProgress";
  state.shown_["SecondaryStatusTransitions"] = json::array();
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
  json& transition = shown_["SecondaryStatusTransitions"].emplace_back(json::object());
  transition["Status"] = secondary;
  transition["StartTime"] = seconds(at_ms);
  transition["StatusMessage"] = message;
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

bool JobState::apply_end(const Report& last) {
  if (last.number > 0) return apply(last);
  if (finished()) return false;
  finish(last);
  return true;
}

void JobState::progress(const Report& report) {
  if (interrupted()) return;  // what the lost machine still does is nothing to show
  const auto next = status_of(report.phase);
  const std::string message = report.message.empty() ? std::string(message_of(report.phase)) : report.message;
  const bool instances_up = report.phase != Phase::kStarting;
  const auto start =
      report.training_start_ms > 0 ? report.training_start_ms : not_before_last(report.time_ms);
  if (instances_up && !hidden_.contains("attempt_start")) hidden_["attempt_start"] = start;
  if (instances_up && !shown_.contains("TrainingStartTime")) shown_["TrainingStartTime"] = seconds(start);
  if (status() == "Stopping" && report.phase != Phase::kUploading) return;
  if (secondary() == next) {
    say(message);
    shown_["LastModifiedTime"] = seconds(not_before_last(report.time_ms));
  } else {
    enter(next, message, report.time_ms);
  }
}

/// Of all attempts, the last one from `start_ms` (0: as its reports had it) to `end_ms`.
std::int64_t JobState::trained_ms(std::int64_t start_ms, std::int64_t end_ms) const {
  const auto before = hidden_.value("trained", std::int64_t{0});
  if (start_ms <= 0) start_ms = hidden_.value("attempt_start", end_ms);
  return before + std::max<std::int64_t>(0, end_ms - start_ms);
}

void JobState::note_times(std::int64_t start_ms, std::int64_t end_ms) {
  if (start_ms > 0 && !hidden_.contains("trained")) shown_["TrainingStartTime"] = seconds(start_ms);
  shown_["TrainingEndTime"] = seconds(end_ms);
  if (!shown_.contains("TrainingStartTime")) return;
  const auto whole = std::max<std::int64_t>(1, (trained_ms(start_ms, end_ms) + 500) / 1000);
  const bool spot = attempts() && attempts()->spot;
  shown_["TrainingTimeInSeconds"] = whole;
  shown_["BillableTimeInSeconds"] =
      spot ? std::max<std::int64_t>(1, std::llround(static_cast<double>(whole) * kSpotPrice)) : whole;
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
  // An interrupted attempt that is not followed by another: there was no time left for it.
  if (interrupted() && report.outcome == Outcome::kStopped) return Outcome::kMaxRuntimeExceeded;
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
      if (hidden_.value("waited_out", false))
        end_as("Stopped", "MaxWaitTimeExceeded",
               "Training job wait time exceeded MaxWaitTimeInSeconds provided", end);
      else
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

// ---- attempts

void JobState::plan_attempts(const AttemptPlan& plan) {
  hidden_["attempts"] = {{"spec", plan.spec},           {"instance_type", plan.instance_type},
                         {"instances", plan.instances}, {"outside", plan.outside_queue},
                         {"spot", plan.spot},           {"retries", plan.retries}};
}

std::optional<AttemptPlan> JobState::attempts() const {
  const auto kept = hidden_.find("attempts");
  if (kept == hidden_.end()) return std::nullopt;
  return AttemptPlan{.spec = kept->at("spec"),
                     .instance_type = kept->at("instance_type"),
                     .instances = kept->at("instances"),
                     .outside_queue = kept->at("outside"),
                     .spot = kept->at("spot"),
                     .retries = kept->at("retries")};
}

bool JobState::interrupted() const {
  return hidden_.value("interrupted", false);
}

bool JobState::interrupt(WallTime at) {
  const auto plan = attempts();
  if (status() != "InProgress" || !plan || !plan->spot || interrupted()) return false;
  hidden_["interrupted"] = true;
  enter("Interrupted", "Training job interrupted", to_millis(at));
  return true;
}

void JobState::run_out_of_wait(WallTime at) {
  if (status() != "InProgress") return;
  hidden_["waited_out"] = true;
  hidden_.erase("interrupted");
  stop(at);
}

std::chrono::seconds JobState::runtime_left(const Report& last) const {
  const auto spec = JobSpec::from_json(hidden_.at("attempts").at("spec").get<std::string>());
  const auto most = spec ? spec->max_runtime_seconds : kDefaultRuntime;
  const auto end = last.training_end_ms > 0 ? last.training_end_ms : last.time_ms;
  return std::chrono::seconds(most - (trained_ms(last.training_start_ms, end) + 999) / 1000);
}

Report JobState::lost_report(WallTime at) {
  Report report;
  report.time_ms = to_millis(at);
  report.phase = Phase::kFinished;
  report.outcome = Outcome::kFailed;
  report.failure_reason = kInternalError;
  return report;
}

bool JobState::goes_on_after(const Report& last) const {
  const auto plan = attempts();
  if (status() != "InProgress" || !plan || runtime_left(last).count() <= 0) return false;
  const bool by_us =
      last.outcome == Outcome::kNone ||
      (last.outcome == Outcome::kFailed && last.failure_reason.starts_with("InternalServerError"));
  if (interrupted()) return by_us || last.outcome == Outcome::kStopped;
  return by_us && plan->retries > 0;
}

bool JobState::first_interruption_due() {
  const auto plan = attempts();
  if (!plan || !plan->spot || hidden_.value("timed", false)) return false;
  hidden_["timed"] = true;
  return true;
}

void JobState::start_again(const Report& last, std::string spec) {
  const auto end = not_before_last(last.training_end_ms > 0 ? last.training_end_ms : last.time_ms);
  hidden_["trained"] = trained_ms(last.training_start_ms, end);
  hidden_.erase("attempt_start");
  hidden_["reports"] = json::object();  // the next run counts from 1
  hidden_["attempts"]["spec"] = std::move(spec);
  if (interrupted()) {
    hidden_.erase("interrupted");
    enter("Starting", "Launching requested ML instances", end);
  } else {
    auto& retries = hidden_["attempts"]["retries"];
    retries = retries.get<int>() - 1;
    enter("Starting", "Launched instance was unhealthy, replacing it!", end);
  }
}

// ---- warm pool

void JobState::warm_pool(std::string_view status, std::optional<std::int64_t> retained_seconds,
                         std::string_view reused_by) {
  auto& shown = shown_["WarmPoolStatus"];
  shown["Status"] = status;
  if (retained_seconds) shown["ResourceRetainedBillableTimeInSeconds"] = *retained_seconds;
  if (!reused_by.empty()) shown["ReusedByJob"] = reused_by;
}

std::string JobState::warm_pool_status() const {
  const auto shown = shown_.find("WarmPoolStatus");
  return shown == shown_.end() ? "" : shown->at("Status").get<std::string>();
}

std::int64_t JobState::ended_ms() const {
  const auto end = shown_.find("TrainingEndTime");
  return end == shown_.end() ? 0 : millis(*end);
}

bool JobState::ran() const {
  return shown_.contains("TrainingStartTime");
}

/// What a list shows, as JSON.
std::string JobState::summary(const std::string& name) const {
  std::string out = "{\"TrainingJobName\":";
  resources::print(std::string_view(name), out);
  const auto add = [&out](const char* member, const json& value) {
    out.append(",\"").append(member).append("\":");
    resources::print(value, out);
  };
  add("TrainingJobArn", hidden_.at("arn"));
  add("CreationTime", seconds(hidden_.at("created").get<std::int64_t>()));
  for (const char* member :
       {"TrainingEndTime", "LastModifiedTime", "TrainingJobStatus", "SecondaryStatus", "WarmPoolStatus"})
    if (const auto found = shown_.find(member); found != shown_.end()) add(member, *found);
  return out += '}';
}

void JobState::store(resources::Record& record) const {
  record.summary = summary(record.name);
  record.changing = resources::members_text(shown_);
  record.hidden = resources::printed(hidden_);
  record.status = status();
  record.created_ms = hidden_.at("created").get<std::int64_t>();
  record.modified_ms = millis(shown_.at("LastModifiedTime"));
}

}  // namespace sagelet::sagemaker
