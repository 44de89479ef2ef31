#pragma once
// Clients that are kept with their connections between calls of many threads.
#include <memory>
#include <mutex>
#include <vector>

#include "runner/calls/s3.hpp"

namespace sagelet::runner {

/// Thread-safe. Has as many clients as calls were ever under way at once.
class S3Pool {
 public:
  S3Pool(const Server& server, const StopSignal& stop) : server_(server), stop_(stop) {}

  /// As S3::read().
  Result<S3Piece> read(const S3Location& from, std::uint64_t offset, std::uint64_t length,
                       const std::string& etag) {
    std::unique_ptr<S3> s3 = take();
    auto piece = s3->read(from, offset, length, etag);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(s3));
    return piece;
  }

 private:
  std::unique_ptr<S3> take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<S3>(server_, &stop_);
    auto s3 = std::move(idle_.back());
    idle_.pop_back();
    return s3;
  }

  const Server server_;
  const StopSignal& stop_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<S3>> idle_;
};

}  // namespace sagelet::runner
