#include "base/ids.hpp"

#include <sys/random.h>

#include <array>
#include <cstring>

namespace sagelet {

namespace {

/// Random bytes of this thread, fetched from the kernel 512 at a time.
class Pool {
 public:
  void take(void* out, std::size_t n) {
    auto* bytes = static_cast<unsigned char*>(out);
    while (n > 0) {
      if (left_ == 0) refill();
      const std::size_t part = n < left_ ? n : left_;
      std::memcpy(bytes, buffer_.data() + buffer_.size() - left_, part);
      std::memset(buffer_.data() + buffer_.size() - left_, 0, part);
      left_ -= part;
      bytes += part;
      n -= part;
    }
  }

 private:
  void refill() {
    std::size_t done = 0;
    while (done < buffer_.size()) {
      const ssize_t n = ::getrandom(buffer_.data() + done, buffer_.size() - done, 0);
      if (n > 0) done += static_cast<std::size_t>(n);
    }
    left_ = buffer_.size();
  }

  std::array<unsigned char, 512> buffer_{};
  std::size_t left_ = 0;
};

thread_local Pool pool;

constexpr char kHex[] = "0123456789abcdef";

std::string letters(std::size_t length, std::string_view alphabet) {
  std::string out;
  out.reserve(length);
  const unsigned limit = 256 - 256 % alphabet.size();  // no letter likelier than another
  while (out.size() < length) {
    unsigned char byte;
    pool.take(&byte, 1);
    if (byte < limit) out += alphabet[byte % alphabet.size()];
  }
  return out;
}

}  // namespace

std::string RandomIds::uuid() {
  std::array<unsigned char, 16> bytes;
  pool.take(bytes.data(), bytes.size());
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string out(36, '-');
  char* to = out.data();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++to;
    *to++ = kHex[bytes[i] >> 4];
    *to++ = kHex[bytes[i] & 15];
  }
  return out;
}

std::string RandomIds::lower_alnum(std::size_t length) {
  return letters(length, "0123456789abcdefghijklmnopqrstuvwxyz");
}

std::string RandomIds::upper_alnum(std::size_t length) {
  return letters(length, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

std::string RandomIds::hex(std::size_t bytes) {
  std::string out;
  out.reserve(bytes * 2);
  for (std::size_t i = 0; i < bytes; ++i) {
    unsigned char byte;
    pool.take(&byte, 1);
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

std::uint64_t RandomIds::number() {
  std::uint64_t value;
  pool.take(&value, sizeof value);
  return value;
}

}  // namespace sagelet
