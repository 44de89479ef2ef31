#pragma once
// One owner for one descriptor. Every descriptor of ours is close-on-exec from birth.
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sagelet {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};
/// Both ends close-on-exec.
Result<Pipe> make_pipe();

/// Writes all of `bytes`, retrying EINTR and short writes.
Status write_all(int fd, std::string_view bytes);
Status pwrite_all(int fd, std::string_view bytes, std::uint64_t offset);
/// Reads up to `buffer.size()`; 0 is the end of the file. Retries EINTR.
Result<std::size_t> read_some(int fd, std::span<char> buffer);
/// Reads exactly `buffer.size()` bytes at `offset`; fewer is kCorrupt.
Status pread_all(int fd, std::span<char> buffer, std::uint64_t offset);

}  // namespace sagelet
