#pragma once
// For this room's tests: an exchange that does as it is told, a server around it, and a client of raw bytes.
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "server/net/server.hpp"

namespace sagelet::net::testing {

/// Waits until it holds; false when it does not within ten seconds.
bool eventually(const std::function<bool()>& holds);

/// Closed until somebody opens it.
class Gate {
 public:
  void open() { opened_.set_value(); }
  /// False when nobody opened it within ten seconds.
  bool pass() const { return future_.wait_for(std::chrono::seconds(10)) == std::future_status::ready; }

 private:
  std::promise<void> opened_;
  std::shared_future<void> future_{opened_.get_future()};
};

/// What the exchanges of a test do. Set it before the first request.
struct Script {
  std::function<std::optional<http::Response>(const http::Head&)> on_begin;
  std::function<std::optional<http::Response>(std::string_view)> on_body;
  /// The default answers 200 with "<method> <target> <body>".
  std::function<void(const http::Head&, const std::string& body, std::function<void(http::Response)>)>
      on_finish;
  bool waits = false;

  int alive() const { return locked(alive_); }
  std::vector<http::Head> heads() const { return locked(heads_); }
  std::vector<std::thread::id> finished_on() const { return locked(finished_on_); }

 private:
  friend class FakeExchange;
  template <class T>
  T locked(const T& value) const {
    const std::lock_guard lock(mutex_);
    return value;
  }
  mutable std::mutex mutex_;
  int alive_ = 0;
  std::vector<http::Head> heads_;
  std::vector<std::thread::id> finished_on_;
};

class FakeExchange final : public http::Exchange {
 public:
  explicit FakeExchange(Script& script) : script_(script) { count(+1); }
  ~FakeExchange() override { count(-1); }

  std::optional<http::Response> begin(http::Head head) override {
    head_ = std::move(head);
    {
      const std::lock_guard lock(script_.mutex_);
      script_.heads_.push_back(head_);
    }
    return script_.on_begin ? script_.on_begin(head_) : std::nullopt;
  }
  std::optional<http::Response> body(std::string_view bytes) override {
    if (script_.on_body)
      if (auto answer = script_.on_body(bytes)) return answer;
    body_ += bytes;
    return std::nullopt;
  }
  bool waits() const override { return script_.waits; }
  void finish(std::function<void(http::Response)> done) override {
    {
      const std::lock_guard lock(script_.mutex_);
      script_.finished_on_.push_back(std::this_thread::get_id());
    }
    if (script_.on_finish) return script_.on_finish(head_, body_, std::move(done));
    done(http::Response::text(200, head_.method + " " + head_.target + " " + body_));
  }

 private:
  void count(int by) {
    const std::lock_guard lock(script_.mutex_);
    script_.alive_ += by;
  }
  Script& script_;
  http::Head head_;
  std::string body_;
};

/// A listening server on a free port; stops with its owner.
class House {
 public:
  explicit House(Script& script, ServerOptions options = {}, http::ProxyPolicy proxy = nullptr) {
    auto started = Server::start(
        std::move(options), [&script] { return std::make_unique<FakeExchange>(script); }, std::move(proxy));
    if (!started) throw std::runtime_error(started.error().message());
    server = std::move(*started);
  }
  std::uint16_t port() const { return server->port(); }
  std::unique_ptr<Server> server;
};

struct Answer {
  int status = 0;
  std::string head;
  std::string body;
  bool has(std::string_view line) const;  ///< a whole line of the head
};

/// A blocking socket to 127.0.0.1; gives up after ten seconds.
class Client {
 public:
  explicit Client(std::uint16_t port);
  explicit Client(UniqueFd socket) : fd_(std::move(socket)) {}
  void send(std::string_view bytes) const;
  /// The next answer by its framing. `is_head`: no body follows whatever the head says.
  Answer receive(bool is_head = false);
  Answer ask(std::string_view request, bool is_head = false) {
    send(request);
    return receive(is_head);
  }
  /// Everything up to the end; "<timeout>" is appended when it does not come, "<reset>" after a reset.
  std::string rest();
  bool is_closed() { return rest().empty(); }
  /// Up to and with `end`.
  std::string until(std::string_view end);
  void end_writing() const;
  int fd() const { return fd_.get(); }

 private:
  bool more();
  std::string take(std::size_t bytes);
  std::string take_line();

  UniqueFd fd_;
  std::string buffer_;
};

/// A one-connection server of raw bytes: `serve` gets the accepted socket on a thread of its own.
class FakeUpstream {
 public:
  explicit FakeUpstream(std::function<void(Client&)> serve);
  ~FakeUpstream();
  std::uint16_t port() const { return port_; }

 private:
  UniqueFd listener_;
  std::uint16_t port_;
  std::thread thread_;
};

/// A file with these bytes that is gone when its last user is.
std::shared_ptr<const UniqueFd> file_of(std::string_view bytes);

}  // namespace sagelet::net::testing
