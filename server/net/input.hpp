#pragma once
// Bytes that were read and not used yet, in one piece.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace sagelet::net {

/// Grows on demand; the space is kept from request to request and given back when it is large and empty.
class Input {
 public:
  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  void consume(std::size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  /// Room for at least `least` more bytes behind the unread ones.
  std::span<char> space(std::size_t least) {
    if (capacity_ - end_ < least) make_room(least);
    return {data_.get() + end_, capacity_ - end_};
  }
  void filled(std::size_t bytes) { end_ += bytes; }
  void shrink() {
    if (empty() && capacity_ > kKept) {
      data_.reset();
      capacity_ = 0;
    }
  }

 private:
  static constexpr std::size_t kKept = 16 * 1024;

  void make_room(std::size_t least) {
    const std::size_t unread = size();
    if (capacity_ >= unread + least) {
      std::memmove(data_.get(), data_.get() + begin_, unread);
    } else {
      const std::size_t wanted =
          std::max(unread + least, std::min(2 * capacity_, unread + (std::size_t{1} << 20)));
      std::unique_ptr<char[]> larger(new char[wanted]);
      if (unread > 0) std::memcpy(larger.get(), data_.get() + begin_, unread);
      data_ = std::move(larger);
      capacity_ = wanted;
    }
    begin_ = 0;
    end_ = unread;
  }

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace sagelet::net
