#include "runner/inputs/object_reader.hpp"

#include <algorithm>

namespace sagelet::runner {
namespace {

constexpr std::uint64_t kFirst = 256u << 10;
constexpr std::uint64_t kLongest = 8u << 20;

}  // namespace

/// A piece that begins at `offset` comes to hand.
Status ObjectReader::move_to(std::uint64_t offset) {
  const bool in_order = offset == begin_ + piece_.size() && !piece_.empty();
  const bool coming = in_order && next_.valid();
  step_ = in_order ? std::min(step_ * 2, kLongest) : kFirst;
  Result<S3Piece> got = coming ? next_.get() : Result<S3Piece>(Error(ErrorKind::kNotFound, ""));
  if (!coming) {
    if (next_.valid()) next_.wait();
    next_ = {};
    got = s3_.read(from_, offset, step_, etag_);
  }
  TRY(S3Piece piece, std::move(got));
  if (piece.bytes.empty()) return Error(ErrorKind::kIo, "no bytes of " + from_.uri());
  begin_ = offset;
  piece_ = std::move(piece.bytes);
  etag_ = std::move(piece.etag);
  const std::uint64_t end = begin_ + piece_.size();
  if (in_order && end < size_)
    next_ = std::async(std::launch::async, [this, end, step = std::min(step_ * 2, kLongest)] {
      return s3_.read(from_, end, step, etag_);
    });
  return {};
}

Result<std::string> ObjectReader::read(std::uint64_t offset, std::uint64_t length) {
  const std::lock_guard lock(mutex_);
  std::string out;
  length = offset < size_ ? std::min(length, size_ - offset) : 0;
  while (out.size() < length) {
    const std::uint64_t at = offset + out.size();
    if (at < begin_ || at >= begin_ + piece_.size()) TRY(move_to(at));
    out += std::string_view(piece_).substr(at - begin_, length - out.size());
  }
  return out;
}

}  // namespace sagelet::runner
