#include "base/rounds.hpp"

#include <utility>

namespace sagelet {

void Rounds::start(Round round, std::chrono::milliseconds pause) {
  if (started()) return;
  thread_ = std::thread([this, round = std::move(round), pause] { run(round, pause); });
}

void Rounds::poke() {
  {
    const std::lock_guard lock(mutex_);
    poked_ = true;
  }
  changed_.notify_all();
}

void Rounds::stop() {
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
  }
  changed_.notify_all();
  if (started()) thread_.join();
}

void Rounds::run(const Round& round, std::chrono::milliseconds pause) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_for(lock, pause, [&] { return leaving_ || poked_; });
    if (leaving_) return;
    poked_ = false;
    lock.unlock();
    pause = round();
    lock.lock();
  }
}

}  // namespace sagelet
