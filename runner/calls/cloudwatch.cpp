#include "runner/calls/cloudwatch.hpp"

#include <nlohmann/json.hpp>

#include "base/log.hpp"

namespace sagelet::runner {
namespace {

constexpr std::chrono::milliseconds kFirstPause{1000};
constexpr std::size_t kMostOfACall = 1000;  ///< PutMetricData's own limit
constexpr std::size_t kMostWaiting = 100'000;

}  // namespace

MetricSender::MetricSender(const JobSpec& spec, std::function<std::vector<MetricValue>()> sample,
                           std::chrono::milliseconds period)
    : server_(Server::of(spec)),
      job_(spec.name),
      host_(spec.name + "/" + spec.current_host),
      sample_(std::move(sample)),
      period_(period),
      pause_(std::min(kFirstPause, period)) {}

void MetricSender::start() {
  rounds_.start([this] { return round(); }, pause_);
}

void MetricSender::add(const MetricValue& value) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() < kMostWaiting) waiting_.push_back({"TrainingJobName", value});
  if (waiting_.size() == kMostOfACall) rounds_.poke();
}

void MetricSender::sample() {
  const auto values = sample_();
  const std::lock_guard lock(mutex_);
  for (const MetricValue& value : values) waiting_.push_back({"Host", value});
}

void MetricSender::finish() {
  if (!rounds_.started()) return;
  rounds_.stop();
  sample();
  send_all();
}

/// Its time has come, or a call is full before that.
std::chrono::milliseconds MetricSender::round() {
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    full = waiting_.size() >= kMostOfACall;
  }
  if (!full) {
    sample();
    pause_ = std::min(2 * pause_, period_);
  }
  send_all();
  return pause_;
}

void MetricSender::send_all() {
  std::vector<Datum> data;
  {
    const std::lock_guard lock(mutex_);
    data.swap(waiting_);
  }
  for (std::size_t at = 0; at < data.size(); at += kMostOfACall) {
    const auto end = std::min(data.size(), at + kMostOfACall);
    const std::vector<Datum> some(data.begin() + static_cast<std::ptrdiff_t>(at),
                                  data.begin() + static_cast<std::ptrdiff_t>(end));
    if (!send_some(some)) return;
  }
}

bool MetricSender::send_some(const std::vector<Datum>& data) {
  auto list = nlohmann::json::array();
  for (const Datum& datum : data)
    list.push_back(
        {{"MetricName", datum.value.name},
         {"Value", datum.value.value},
         {"Timestamp", static_cast<double>(datum.value.time_ms) / 1000},
         {"Unit", datum.dimension == "Host" ? "Percent" : "None"},
         {"Dimensions", {{{"Name", datum.dimension}, {"Value", datum.dimension == "Host" ? host_ : job_}}}}});
  const nlohmann::json body{{"Namespace", "/aws/sagemaker/TrainingJobs"}, {"MetricData", std::move(list)}};
  client::Request request{.method = "POST",
                          .url = server_.url + "/",
                          .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
  request.headers = {{"Content-Type", "application/x-amz-json-1.0"},
                     {"X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData"}};
  const auto answer = send(http_, server_, nullptr, request, "monitoring");
  if (answer && answer->status == 200) return true;
  log::warn("PutMetricData: {}", answer ? answer->body.substr(0, 300) : answer.error().message());
  return answer.has_value();
}

}  // namespace sagelet::runner
