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
      period_(period) {}

MetricSender::~MetricSender() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void MetricSender::start() {
  thread_ = std::thread([this] { run(); });
}

void MetricSender::add(const MetricValue& value) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() < kMostWaiting) waiting_.push_back({"TrainingJobName", value});
  if (waiting_.size() == kMostOfACall) changed_.notify_all();
}

void MetricSender::sample() {
  const auto values = sample_();
  const std::lock_guard lock(mutex_);
  for (const MetricValue& value : values) waiting_.push_back({"Host", value});
}

void MetricSender::finish() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    closed_ = sample_at_end_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void MetricSender::run() {
  client::Http http;
  auto pause = std::min(kFirstPause, period_);
  std::unique_lock lock(mutex_);
  while (!closed_) {
    const bool woken =
        changed_.wait_for(lock, pause, [&] { return closed_ || waiting_.size() >= kMostOfACall; });
    if (closed_) break;
    lock.unlock();
    if (!woken) {
      sample();
      pause = std::min(2 * pause, period_);
    }
    send_all(http);
    lock.lock();
  }
  const bool at_end = sample_at_end_;
  lock.unlock();
  if (at_end) sample();
  send_all(http);
}

void MetricSender::send_all(client::Http& http) {
  std::vector<Datum> data;
  {
    const std::lock_guard lock(mutex_);
    data.swap(waiting_);
  }
  for (std::size_t at = 0; at < data.size(); at += kMostOfACall) {
    const auto end = std::min(data.size(), at + kMostOfACall);
    const std::vector<Datum> some(data.begin() + static_cast<std::ptrdiff_t>(at),
                                  data.begin() + static_cast<std::ptrdiff_t>(end));
    if (!send_some(http, some)) return;
  }
}

bool MetricSender::send_some(client::Http& http, const std::vector<Datum>& data) {
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
  const auto answer = send(http, server_, nullptr, request, "monitoring");
  if (answer && answer->status == 200) return true;
  log::warn("PutMetricData: {}", answer ? answer->body.substr(0, 300) : answer.error().message());
  return answer.has_value();
}

}  // namespace sagelet::runner
