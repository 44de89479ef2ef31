#include "server/services/s3/lifecycle/worker.hpp"

#include "base/log.hpp"

namespace sagelet::s3::lifecycle {

namespace {

/// A machine that slept, or whose clock was set, is noticed after so long.
constexpr std::chrono::milliseconds kLongestSleep = std::chrono::minutes(30);

}  // namespace

Worker::Worker(storage::ObjectStore& objects, notifications::Outbox& outbox, const Clock& clock, Ids& ids,
               Calendar calendar)
    : around_{objects, outbox, ids, calendar, stopping_}, clock_(clock) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Worker::watch(WallTime first) {
  const std::lock_guard lock(mutex_);
  if (!next_ || first < *next_) next_ = first;
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  woken_.notify_all();
}

Result<bool> Worker::run_once() {
  std::vector<storage::BucketSetting> all;
  TRY(around_.objects.ledger().read([&](storage::Connection& db) -> Status {
    TRY(all, storage::settings_of_kind(db, kSetting));
    return {};
  }));
  for (const auto& setting : all) {
    const auto swept = sweep(around_, setting, clock_.now());
    if (!swept && !swept.error().is(ErrorKind::kCancelled))
      log::warn("the lifecycle of bucket {}: {}", setting.bucket.name, swept.error().message());
  }
  return !all.empty();
}

void Worker::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = clock_.now();
    if (!next_) {
      woken_.wait(lock);
    } else if (now < *next_) {
      woken_.wait_for(lock, std::min(kLongestSleep, *next_ - now));
    } else {
      next_.reset();
      lock.unlock();
      const auto any = run_once();
      lock.lock();
      const auto then = around_.calendar.next_run(now);
      if ((!any || *any) && (!next_ || then < *next_)) next_ = then;
    }
  }
}

}  // namespace sagelet::s3::lifecycle
