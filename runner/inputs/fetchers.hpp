#pragma once
// Pieces of objects fetched while others are used.
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runner/calls/s3.hpp"

namespace sagelet::runner {

/// A few threads with a connection each, started as they are needed. How much is under way at once, and so
/// how much memory that takes, is the caller's to bound.
class Fetchers {
 public:
  Fetchers(Server server, const StopSignal& stop);
  /// Waits for the pieces that are being fetched; the others are not begun.
  ~Fetchers();
  /// As S3::read().
  std::future<Result<S3Piece>> fetch(const S3Location& from, std::uint64_t offset, std::uint64_t length,
                                     const std::string& etag = {});

 private:
  struct Wanted {
    S3Location from;
    std::uint64_t offset, length;
    std::string etag;
    std::promise<Result<S3Piece>> piece;
  };
  void work();

  const Server server_;
  const StopSignal& stop_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Wanted> waiting_;
  std::size_t idle_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace sagelet::runner
