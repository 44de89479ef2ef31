#include "runner/calls/reports.hpp"

#include <unistd.h>

#include "base/crash_point.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"

namespace sagelet::runner {

Reporter::Reporter(const JobSpec& spec)
    : server_(Server::of(spec)),
      job_id_(spec.job_id),
      host_(spec.current_host),
      token_(spec.report_token),
      number_(spec.last_report) {
  if (spec.resumed)  // the server has taken what a runner before us left
    if (const Status removed = remove_tree(spec.folder + "/reports"); !removed)
      log::error("{}", removed.error().message());
  if (const Status made = make_folders(spec.folder + "/reports"); !made)
    log::error("{}", made.error().message());
}

Reporter::~Reporter() {
  finish();
}

void Reporter::say(Report report) {
  report.job_id = job_id_;
  report.host = host_;
  report.number = ++number_;
  report.time_ms = to_millis(SystemClock().now());
  if (told_ >= 0) {
    if (const Status told = write_all(told_, report.to_json() + "\n"); !told)
      log::error("telling a report: {}", told.error().message());
    return;
  }
  Waiting waiting{server_.folder + "/reports/" + std::to_string(report.number) + ".json", report.to_json()};
  if (const Status kept = write_file(waiting.path, waiting.body); !kept)
    log::error("{}", kept.error().message());
  crash_point("runner-report-written");
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(waiting));
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_all();
}

void Reporter::finish() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Reporter::run() {
  client::Http http;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return closed_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Waiting waiting = queue_.front();
    lock.unlock();
    const bool done = !refused_ && deliver(http, waiting.body);
    if (done) ::unlink(waiting.path.c_str());
    lock.lock();
    refused_ = !done;
    queue_.pop_front();
  }
}

bool Reporter::deliver(client::Http& http, const std::string& body) {
  client::Request request{.method = "POST", .url = server_.url + "/_sagelet/reports", .body = body};
  request.headers = {{"Content-Type", "application/json"}, {"Authorization", "Bearer " + token_}};
  Backoff backoff(server_, nullptr);
  while (true) {
    const auto answer = http.send(server_.readdressed(request));
    if (answer && answer->status == 200) return true;
    if (answer && (answer->status == 403 || answer->status == 404)) {
      log::error("the server does not take our reports: {} {}", answer->status, answer->body.substr(0, 300));
      return false;
    }
    if (backoff.tries() == 0)
      log::warn("report: {}; trying again",
                answer ? std::to_string(answer->status) : answer.error().message());
    if (!backoff.wait()) return false;
  }
}

}  // namespace sagelet::runner
