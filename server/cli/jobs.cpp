#include <cmath>
#include <cstdlib>

#include "base/clock.hpp"
#include "base/time_text.hpp"
#include "fmt/format.h"
#include "server/cli/calls.hpp"
#include "server/cli/terminal.hpp"

namespace sagelet::cli {

namespace {

using nlohmann::json;

constexpr int kShown = 100;

std::optional<double> seconds_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::string time_text(const json& object, const char* name) {
  const auto seconds = seconds_of(object, name);
  return seconds ? iso8601_seconds(from_millis(std::llround(*seconds * 1000))) : std::string();
}

std::string took(const json& object, const char* from, const char* to) {
  const auto start = seconds_of(object, from), end = seconds_of(object, to);
  return start && end ? fmt::format("{:.1f} s", *end - *start) : std::string();
}

/// "a=1, b=2" of the hyperparameters, channels or metrics.
std::string pairs_text(const json& object) {
  std::string out;
  if (!object.is_object()) return out;
  for (const auto& [name, value] : object.items())
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", name,
                       value.is_string() ? value.get<std::string>() : value.dump());
  return out;
}

std::string metrics_text(const json& job) {
  json values = json::object();
  for (const auto& metric : job.value("FinalMetricDataList", json::array()))
    values[member(metric, "MetricName")] = metric.value("Value", 0.0);
  return pairs_text(values);
}

std::string channels_text(const json& job) {
  json values = json::object();
  for (const auto& channel : job.value("InputDataConfig", json::array())) {
    const auto source = channel.value("DataSource", json::object()).value("S3DataSource", json::object());
    values[member(channel, "ChannelName")] = member(source, "S3Uri");
  }
  return pairs_text(values);
}

void print_steps(const json& job) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& step : job.value("SecondaryStatusTransitions", json::array()))
    rows.push_back({"", time_text(step, "StartTime"), member(step, "Status"), member(step, "StatusMessage")});
  if (!rows.empty()) fmt::print("steps\n{}", table(rows, -1, false));
}

}  // namespace

int jobs_ls(const Target& target) {
  Calls calls(target);
  const auto answer = calls.sagemaker(
      "ListTrainingJobs", {{"MaxResults", kShown}, {"SortBy", "CreationTime"}, {"SortOrder", "Descending"}});
  if (!answer) return report(answer.error());
  const auto listed = answer->value("TrainingJobSummaries", json::array());
  if (listed.empty()) {
    fmt::print(stderr, "No training jobs yet.\n");
    return kOk;
  }
  std::vector<std::vector<std::string>> rows{{"NAME", "STATUS", "CREATED", "TOOK"}};
  for (const auto& job : listed)
    rows.push_back({member(job, "TrainingJobName"), member(job, "TrainingJobStatus"),
                    time_text(job, "CreationTime"), took(job, "CreationTime", "TrainingEndTime")});
  fmt::print("{}", table(rows, 1, colours_wanted()));
  if (answer->contains("NextToken")) fmt::print(stderr, "These are the newest {}; there are more.\n", kShown);
  return kOk;
}

int jobs_describe(const Target& target, const std::string& name) {
  Calls calls(target);
  const auto answer = calls.job("DescribeTrainingJob", name);
  if (!answer) return report(answer.error());
  const auto& job = *answer;
  const auto state = member(job, "TrainingJobStatus");
  const auto resources = job.value("ResourceConfig", json::object());
  fmt::print("{}",
             facts({{"name", member(job, "TrainingJobName")},
                    {"arn", member(job, "TrainingJobArn")},
                    {"status", painted(state, colour_of_status(state), colours_wanted())},
                    {"secondary status", member(job, "SecondaryStatus")},
                    {"failure reason", member(job, "FailureReason")},
                    {"image", member(job.value("AlgorithmSpecification", json::object()), "TrainingImage")},
                    {"instances", fmt::format("{} x {}", member(resources, "InstanceCount"),
                                              member(resources, "InstanceType"))},
                    {"hyperparameters", pairs_text(job.value("HyperParameters", json::object()))},
                    {"channels", channels_text(job)},
                    {"metrics", metrics_text(job)},
                    {"created", time_text(job, "CreationTime")},
                    {"training started", time_text(job, "TrainingStartTime")},
                    {"training ended", time_text(job, "TrainingEndTime")},
                    {"model", member(job.value("ModelArtifacts", json::object()), "S3ModelArtifacts")}}));
  print_steps(job);
  return kOk;
}

int jobs_stop(const Target& target, const std::string& name) {
  Calls calls(target);
  const auto answer = calls.job("StopTrainingJob", name);
  if (!answer) return report(answer.error());
  fmt::print("{} is stopping.\n", name);
  return kOk;
}

int jobs_interrupt(const Target& target, const std::string& name) {
  const char* region = std::getenv("AWS_REGION");
  Calls calls(target);
  const auto answer =
      calls.admin("POST", "interrupt/" + name + (region ? fmt::format("?region={}", region) : ""));
  if (!answer) return report(answer.error());
  fmt::print("{} loses its machine and starts again from its last checkpoint.\n", name);
  return kOk;
}

}  // namespace sagelet::cli
