#include "server/jobs/loop.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <future>
#include <utility>

#include "base/log.hpp"

namespace sagelet::jobs {

namespace {

/// A bug in one job's handling must not end the thread that all jobs need.
void guarded(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::exception& bug) {
    log::error("the jobs thread caught: {}", bug.what());
  }
}

}  // namespace

Result<std::unique_ptr<Loop>> Loop::make() {
  UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) return Error::last("eventfd");
  return std::unique_ptr<Loop>(new Loop(std::move(bell)));
}

Loop::~Loop() {
  stop();
}

void Loop::start(Planner planner, Turn turn) {
  planner_ = std::move(planner);
  turn_ = std::move(turn);
  thread_ = std::thread([this] { turn_until_stopped(); });
}

void Loop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ring();
  if (thread_.joinable()) thread_.join();
}

bool Loop::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    posted_.push_back(std::move(work));
  }
  ring();
  return true;
}

bool Loop::run(const std::function<void()>& work) {
  if (std::this_thread::get_id() == thread_.get_id()) return work(), true;
  std::promise<void> done;
  if (!post([&] {
        guarded(work);
        done.set_value();
      }))
    return false;
  done.get_future().wait();
  return true;
}

void Loop::ring() const {
  const std::uint64_t one = 1;
  (void)!::write(bell_.get(), &one, sizeof one);
}

std::vector<int> Loop::sleep(const Plan& plan) const {
  std::vector<pollfd> waited{{bell_.get(), POLLIN, 0}};
  for (const int fd : plan.readable) waited.push_back({fd, POLLIN, 0});
  const int timeout = plan.timeout ? static_cast<int>(std::max<std::int64_t>(plan.timeout->count(), 0)) : -1;
  std::vector<int> readable;
  if (::poll(waited.data(), waited.size(), timeout) <= 0) return readable;
  std::uint64_t rings = 0;
  (void)!::read(bell_.get(), &rings, sizeof rings);
  for (std::size_t i = 1; i < waited.size(); ++i)
    if (waited[i].revents != 0) readable.push_back(waited[i].fd);
  return readable;
}

std::vector<std::function<void()>> Loop::take_posted() {
  const std::lock_guard lock(mutex_);
  return std::exchange(posted_, {});
}

void Loop::turn_until_stopped() {
  while (true) {
    const auto readable = sleep(planner_());
    guarded([&] { turn_(readable); });
    for (const auto& call : take_posted()) guarded(call);
    const std::lock_guard lock(mutex_);
    if (stopping_ && posted_.empty()) return;
  }
}

}  // namespace sagelet::jobs
