#include "runner/stop.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace sagelet::runner {
namespace {

std::atomic<int> handler_fd{-1};  // what a signal handler may touch

void on_stop(int) {
  const int saved = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = ::write(handler_fd, &one, sizeof one);
  errno = saved;
}

}  // namespace

StopSignal::StopSignal() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  handler_fd = fd_;
  struct sigaction action {};
  action.sa_handler = on_stop;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
}

bool StopSignal::requested() const {
  pollfd poll{fd_, POLLIN, 0};
  return ::poll(&poll, 1, 0) > 0;
}

bool StopSignal::sleep(std::chrono::milliseconds time) const {
  pollfd poll{fd_, POLLIN, 0};
  ::poll(&poll, 1, static_cast<int>(time.count()));  // the signal itself interrupts it
  return !requested();
}

void StopSignal::request() const {
  on_stop(SIGTERM);
}

}  // namespace sagelet::runner
