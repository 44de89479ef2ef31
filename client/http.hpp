#pragma once
// How we call others: HTTP by libcurl, one handle kept alive per object. Not thread-safe: one client a
// thread.
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace sagelet::client {

struct Response {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< lower-case names
  std::string body;

  /// Empty when it is not there.
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  /// Instead of `body`: a file's first `upload_length` bytes.
  int upload_fd = -1;
  std::uint64_t upload_length = 0;
  /// Gets the body of a 2xx answer as it comes; otherwise it is gathered in Response::body.
  std::function<Status(std::string_view)> download;
  /// Gets status and headers of a 2xx answer before `download` gets its first byte; not called for an empty
  /// one.
  std::function<void(const Response&)> begun;
  std::chrono::milliseconds connect_timeout{2000};
  std::chrono::milliseconds idle_timeout{60000};  ///< no byte moved for so long
  std::string unix_socket;                        ///< docker
  /// Asked about once a second while the transfer waits; true ends it with kCancelled.
  std::function<bool()> cancelled;
};

class Http {
 public:
  Http();
  ~Http();
  Http(Http&&) noexcept;
  /// kUnavailable when nobody answers, kTimeout, kIo. An HTTP error status is an ordinary Response. Never
  /// goes through a proxy.
  Result<Response> send(const Request& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct Credentials {
  std::string access_key, secret_key, session_token, region;
};

/// Adds X-Amz-Date, X-Amz-Security-Token, x-amz-content-sha256 and Authorization (v4). `payload_hash` empty:
/// of the body.
void sign(Request& request, const Credentials& credentials, std::string_view service,
          std::string_view payload_hash = {});

}  // namespace sagelet::client
