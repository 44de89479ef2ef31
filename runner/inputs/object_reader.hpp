#pragma once
// One open file of a FastFile channel: random reads as they come, reading in order with the next piece on its
// way.
#include <future>
#include <mutex>
#include <string>

#include "runner/calls/s3_pool.hpp"

namespace sagelet::runner {

/// Thread-safe: one reader at a time, the others wait. Holds at most two pieces of 8 MiB.
class ObjectReader {
 public:
  ObjectReader(S3Pool& s3, S3Location from, std::uint64_t size)
      : s3_(s3), from_(std::move(from)), size_(size) {}

  /// Fewer bytes only at the end of the object. kConflict: it was replaced meanwhile.
  Result<std::string> read(std::uint64_t offset, std::uint64_t length);

 private:
  Status move_to(std::uint64_t offset);

  S3Pool& s3_;
  const S3Location from_;
  const std::uint64_t size_;
  std::mutex mutex_;
  std::uint64_t begin_ = 0, step_ = 0;  ///< of the piece at hand
  std::string piece_, etag_;
  std::future<Result<S3Piece>> next_;  ///< what follows it, when it is read in order
};

}  // namespace sagelet::runner
