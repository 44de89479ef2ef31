#include "runner/calls/server.hpp"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/fs.hpp"
#include "base/log.hpp"

namespace sagelet::runner {
namespace {

constexpr int kTriesOfErrors = 10;

bool is_network(const Error& error) {
  return error.is(ErrorKind::kUnavailable) || error.is(ErrorKind::kTimeout) || error.is(ErrorKind::kIo);
}

}  // namespace

Server Server::of(const JobSpec& spec) {
  return {.url = spec.server_url,
          .credentials = {spec.access_key, spec.secret_key, spec.session_token, spec.region},
          .folder = spec.folder};
}

bool Server::job_is_gone() const {
  return ::access((folder + "/spec.json").c_str(), F_OK) != 0;
}

std::string Server::address() const {
  const auto moved = read_file(folder + "/server_url", 4096);
  const auto text = moved ? trimmed(*moved) : std::string_view();
  return text.empty() ? url : std::string(text);
}

client::Request Server::readdressed(client::Request request) const {
  if (request.url.starts_with(url)) request.url = address() + request.url.substr(url.size());
  return request;
}

bool Backoff::wait() {
  const auto time =
      std::min(std::chrono::milliseconds(1000), std::chrono::milliseconds(20) * (1 << std::min(tries_, 6)));
  ++tries_;
  if (server_.job_is_gone()) return false;
  if (stop_) return stop_->sleep(time);
  std::this_thread::sleep_for(time);
  return true;
}

Result<client::Response> send(client::Http& http, const Server& server, const StopSignal* stop,
                              const client::Request& request, std::string_view service,
                              std::string_view payload_hash, const std::function<void()>& before_try) {
  Backoff backoff(server, stop);
  Status of_download;  // what the receiver said, not the network
  for (int errors = 0;;) {
    if (before_try) before_try();
    client::Request attempt = server.readdressed(request);
    if (request.download)
      attempt.download = [&](std::string_view bytes) -> Status {
        of_download = stop && stop->requested() ? Status(Error(ErrorKind::kCancelled, "stopped"))
                                                : request.download(bytes);
        return of_download;
      };
    if (!service.empty()) client::sign(attempt, server.credentials, service, payload_hash);
    auto answer = http.send(attempt);
    if (!of_download) return of_download.error();
    if (!answer && !is_network(answer.error())) return answer;
    if (answer && answer->status < 500 && answer->status != 429) return answer;
    if (answer && ++errors >= kTriesOfErrors) return answer;
    if (backoff.tries() == 0)
      log::warn("{} {}: {}; trying again", request.method, request.url,
                answer ? std::to_string(answer->status) : answer.error().message());
    if (!backoff.wait())
      return stop && stop->requested() ? Error(ErrorKind::kCancelled, "stopped")
                                       : Error(ErrorKind::kUnavailable, "the job's folder is gone");
  }
}

}  // namespace sagelet::runner
