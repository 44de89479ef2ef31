#include "server/net/loop.hpp"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <exception>

#include "base/log.hpp"
#include "base/time_text.hpp"
#include "server/net/channel.hpp"

namespace sagelet::net {

namespace {

/// sendfile has no MSG_NOSIGNAL. Blocked and never taken, the signal becomes EPIPE.
void block_sigpipe() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

/// Fine enough that no deadline is missed by more than a quarter.
std::chrono::milliseconds pace_of(const ServerOptions& options) {
  const std::chrono::milliseconds shortest = std::min(options.head_timeout, options.idle_timeout);
  const std::chrono::milliseconds longest(options.for_nodes ? 250 : 1000);  // a visit ends within a second
  return std::clamp(shortest / 4, std::chrono::milliseconds(50), longest);
}

}  // namespace

Loop::Loop(const ServerOptions& options)
    : options_(options), work_(context_.get_executor()), timer_(context_), pace_(pace_of(options)) {}

Loop::~Loop() {
  stop();
}

void Loop::start() {
  thread_ = std::thread([this] {
    block_sigpipe();
    for (;;) {
      try {
        context_.run();
        return;
      } catch (const std::exception& bug) {
        log::error("net: a handler threw: {}", bug.what());
      }
    }
  });
}

void Loop::stop() {
  work_.reset();
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

std::string_view Loop::date() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != date_second_) {
    date_second_ = now.tv_sec;
    date_ = http_date(from_millis(date_second_ * 1000));
  }
  return date_;
}

void Loop::add(Channel* channel) {
  channels_.insert(channel);
  if (!ticking_) tick();
}

void Loop::abort_idle() {
  for (Channel* channel : channels_)
    if (channel->is_idle()) channel->abort();
}

void Loop::abort_all() {
  for (Channel* channel : channels_) channel->abort();
}

void Loop::tick() {
  ticking_ = !channels_.empty();
  if (!ticking_) return;
  timer_.expires_after(pace_);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    const SteadyTime time = now();
    for (Channel* channel : channels_) channel->abort_if_late(time);
    tick();
  });
}

}  // namespace sagelet::net
