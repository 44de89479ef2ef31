#pragma once
// One I/O thread: an event loop, the channels that live on it, one coarse timer for all their deadlines.
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>

#include <boost/asio/executor_work_guard.hpp>

#include "base/clock.hpp"
#include "server/net/asio.hpp"
#include "server/net/server.hpp"

namespace sagelet::net {

class Channel;

/// start() makes the thread. Everything else but executor() and stop() belongs to that thread.
class Loop {
 public:
  explicit Loop(const ServerOptions& options);
  ~Loop();
  void start();
  /// Ends the thread once the handlers that are ready have run; blocks.
  void stop();

  Executor executor() { return context_.get_executor(); }
  const ServerOptions& options() const { return options_; }
  SteadyTime now() const { return std::chrono::steady_clock::now(); }
  SteadyTime idle_deadline() const { return now() + options_.idle_timeout; }
  /// The Date field's value, made once a second.
  std::string_view date();

  void add(Channel* channel);
  void remove(Channel* channel) { channels_.erase(channel); }
  void abort_idle();
  void abort_all();

 private:
  void tick();

  const ServerOptions& options_;
  asio::io_context context_{1};
  asio::executor_work_guard<Executor> work_;
  Timer timer_;
  bool ticking_ = false;
  std::chrono::milliseconds pace_;
  std::unordered_set<Channel*> channels_;
  std::int64_t date_second_ = -1;
  std::string date_;
  std::thread thread_;
};

}  // namespace sagelet::net
