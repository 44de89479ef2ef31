#include "runner/inputs/fetchers.hpp"

namespace sagelet::runner {
namespace {

constexpr std::size_t kThreads = 4;

}  // namespace

Fetchers::Fetchers(Server server, const StopSignal& stop) : server_(std::move(server)), stop_(stop) {}

Fetchers::~Fetchers() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    waiting_.clear();
    came_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

std::future<Result<S3Piece>> Fetchers::fetch(const S3Location& from, std::uint64_t offset,
                                             std::uint64_t length, const std::string& etag) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back({from, offset, length, etag, {}});
  if (idle_ < waiting_.size() && threads_.size() < kThreads) threads_.emplace_back([this] { work(); });
  came_.notify_one();
  return waiting_.back().piece.get_future();
}

void Fetchers::work() {
  S3 s3(server_, &stop_);
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    came_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    --idle_;
    if (ending_) return;
    Wanted wanted = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    wanted.piece.set_value(s3.read(wanted.from, wanted.offset, wanted.length, wanted.etag));
    lock.lock();
  }
}

}  // namespace sagelet::runner
