#include "runner/merged.hpp"

#include <algorithm>

namespace sagelet::runner {
namespace {

constexpr const char* kOurFault = "InternalServerError: We encountered an internal error. Please try again.";

/// The last value of each metric, whichever host it came from.
void add_metrics(std::vector<MetricValue>& all, const std::vector<MetricValue>& more) {
  for (const MetricValue& value : more) {
    const auto known = std::ranges::find(all, value.name, &MetricValue::name);
    if (known == all.end())
      all.push_back(value);
    else if (value.time_ms >= known->time_ms)
      *known = value;
  }
}

}  // namespace

MergedReports::MergedReports(std::vector<std::string> hosts) : hosts_(std::move(hosts)) {
  for (const auto& host : hosts_) phases_[host] = Phase::kStarting;
}

std::optional<Report> MergedReports::take(const Report& report) {
  phases_[report.host] = report.phase;
  if (report.phase == Phase::kFinished) {
    endings_[report.host] = report;
    if (report.outcome == Outcome::kFailed && !failure_) failure_ = report;
  }
  const auto slowest = std::ranges::min_element(phases_, {}, [](const auto& entry) { return entry.second; });
  if (slowest->second <= phase_ || slowest->second == Phase::kFinished) return std::nullopt;
  phase_ = slowest->second;
  Report said = report;
  if (said.phase != phase_) said.message.clear();  // of a host that is further on, or has ended
  said.phase = phase_;
  said.outcome = Outcome::kNone;
  said.failure_reason.clear();
  said.metrics.clear();
  return said;
}

void MergedReports::lose(const std::string& host, const std::string& why) {
  Report lost;
  lost.host = host;
  lost.phase = Phase::kFinished;
  lost.outcome = Outcome::kFailed;
  lost.failure_reason = why.empty() ? kOurFault : kOurFault + (" " + why);
  lost.training_end_ms = to_millis(SystemClock().now());
  (void)take(lost);
}

Report MergedReports::ending() const {
  Report ending = failure_.value_or(Report{});
  ending.phase = Phase::kFinished;
  ending.training_start_ms = 0;
  ending.metrics.clear();
  if (!failure_) ending.outcome = Outcome::kCompleted;
  for (const auto& [host, report] : endings_) {
    add_metrics(ending.metrics, report.metrics);
    if (report.training_start_ms > 0)
      ending.training_start_ms = ending.training_start_ms == 0
                                     ? report.training_start_ms
                                     : std::min(ending.training_start_ms, report.training_start_ms);
    if (failure_) continue;
    ending.training_end_ms = std::max(ending.training_end_ms, report.training_end_ms);
    if (report.outcome == Outcome::kMaxRuntimeExceeded) ending.outcome = report.outcome;
    if (report.outcome == Outcome::kStopped && ending.outcome == Outcome::kCompleted)
      ending.outcome = report.outcome;
  }
  return ending;
}

Status merge_tree(const fs::path& from, const fs::path& to) {
  TRY(make_folders(to));
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator item(from, error), end; !error && item != end; item.increment(error))
    entries.push_back(item->path());
  for (const fs::path& entry : entries) {
    const fs::path target = to / entry.filename();
    const bool both_folders = fs::is_directory(fs::symlink_status(entry, error)) &&
                              fs::is_directory(fs::symlink_status(target, error));
    if (both_folders) {
      TRY(merge_tree(entry, target));
      continue;
    }
    TRY(remove_tree(target));
    fs::rename(entry, target, error);
    if (error) return Error(ErrorKind::kIo, "moving " + entry.string() + ": " + error.message());
  }
  return {};
}

std::vector<int> part_of_cores(const std::vector<int>& cpus, std::size_t index, std::size_t count) {
  if (cpus.size() < count) return cpus.empty() ? cpus : std::vector<int>{cpus[index % cpus.size()]};
  const auto at = [&](std::size_t i) {
    return cpus.begin() + static_cast<std::ptrdiff_t>(cpus.size() * i / count);
  };
  return {at(index), at(index + 1)};
}

}  // namespace sagelet::runner
