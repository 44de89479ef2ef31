#pragma once
// Who the runner talks to, and how long it tries.
#include <chrono>
#include <functional>
#include <string>

#include "client/http.hpp"
#include "runner/spec.hpp"
#include "runner/stop.hpp"

namespace sagelet::runner {

struct Server {
  std::string url;  ///< when the job was started
  client::Credentials credentials;
  std::string folder;  ///< the job's; when its spec.json is gone nobody wants the job any more

  static Server of(const JobSpec& spec);
  bool job_is_gone() const;
  /// `url`, unless a server that was started again has left its new address in the job's folder (server_url).
  std::string address() const;
  /// The same request, sent to where the server is now.
  client::Request readdressed(client::Request request) const;
};

/// Waits between tries: 20 ms at first, doubling up to 1 s.
class Backoff {
 public:
  /// `stop` may be null: not cut short.
  Backoff(const Server& server, const StopSignal* stop) : server_(server), stop_(stop) {}
  /// False: give up (stopped, or the job's folder is gone).
  bool wait();
  int tries() const { return tries_; }

 private:
  const Server& server_;
  const StopSignal* stop_;
  int tries_ = 0;
};

/// Sends until there is an answer that says something: no answer is tried for ever, a 5xx or 429 some ten
/// times. kCancelled when `stop` came first, kUnavailable when the job's folder is gone. `service` empty: not
/// signed. `before_try` runs before each.
Result<client::Response> send(client::Http& http, const Server& server, const StopSignal* stop,
                              const client::Request& request, std::string_view service,
                              std::string_view payload_hash = {},
                              const std::function<void()>& before_try = {});

}  // namespace sagelet::runner
