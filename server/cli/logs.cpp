#include <poll.h>

#include <map>

#include "fmt/format.h"
#include "server/cli/calls.hpp"
#include "server/cli/terminal.hpp"

namespace sagelet::cli {

namespace {

using nlohmann::json;

constexpr auto kGroup = "/aws/sagemaker/TrainingJobs";
constexpr int kPauseMillis = 250;

bool is_final(const std::string& status) {
  return status == "Completed" || status == "Failed" || status == "Stopped";
}

/// Prints each line of a job once, however often it is asked.
class LogReader {
 public:
  LogReader(Calls& calls, std::string job) : calls_(calls), job_(std::move(job)) {}

  Status print_new() {
    TRY(const auto streams, stream_names());
    for (const auto& stream : streams) TRY(print_stream(stream, streams.size() > 1));
    std::fflush(stdout);
    return {};
  }
  bool printed() const { return printed_; }

 private:
  Result<std::vector<std::string>> stream_names() {
    std::vector<std::string> names;
    json params{{"logGroupName", kGroup}, {"logStreamNamePrefix", job_ + "/"}};
    while (true) {
      auto page = calls_.logs("DescribeLogStreams", params);
      if (!page && page.error().is(ErrorKind::kNotFound)) return names;  // no job has written a line yet
      TRY(const auto answer, std::move(page));
      for (const auto& stream : answer.value("logStreams", json::array()))
        names.push_back(member(stream, "logStreamName"));
      if (member(answer, "nextToken").empty()) return names;
      params["nextToken"] = member(answer, "nextToken");
    }
  }

  Status print_stream(const std::string& stream, bool several) {
    auto& token = tokens_[stream];
    while (true) {
      json params{{"logGroupName", kGroup}, {"logStreamName", stream}, {"startFromHead", true}};
      if (!token.empty()) params["nextToken"] = token;
      TRY(const auto page, calls_.logs("GetLogEvents", params));
      const auto events = page.value("events", json::array());
      for (const auto& event : events)
        print_line(several ? stream.substr(job_.size() + 1) + "  " : "", member(event, "message"));
      const auto next = member(page, "nextForwardToken");
      if (!next.empty()) token = next;
      if (events.empty()) return {};
    }
  }

  void print_line(const std::string& prefix, const std::string& text) {
    printed_ = true;
    fmt::print("{}{}{}", prefix, text, text.ends_with('\n') ? "" : "\n");
  }

  Calls& calls_;
  std::string job_;
  std::map<std::string, std::string> tokens_;
  bool printed_ = false;
};

Result<std::string> status_of(Calls& calls, const std::string& job) {
  TRY(const auto answer, calls.job("DescribeTrainingJob", job));
  return member(answer, "TrainingJobStatus");
}

/// The status is asked before the lines, so that the lines of a job that has ended are all of them.
Result<std::string> follow_to_the_end(Calls& calls, LogReader& reader, const std::string& job) {
  while (true) {
    TRY(const auto status, status_of(calls, job));
    TRY(reader.print_new());
    if (is_final(status)) return status;
    (void)::poll(nullptr, 0, kPauseMillis);
  }
}

}  // namespace

int logs(const Target& target, const std::string& job, bool follow) {
  Calls calls(target);
  LogReader reader(calls, job);
  const auto known = status_of(calls, job);
  if (!known) return report(known.error());
  if (follow) {
    const auto ended = follow_to_the_end(calls, reader, job);
    if (!ended) return report(ended.error());
    fmt::print(stderr, "{}\n",
               painted(fmt::format("{} is {}.", job, *ended), colour_of_status(*ended), colours_wanted()));
    return kOk;
  }
  if (const auto done = reader.print_new(); !done) return report(done.error());
  if (!reader.printed()) fmt::print(stderr, "{} has written no line yet.\n", job);
  return kOk;
}

}  // namespace sagelet::cli
