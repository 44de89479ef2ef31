#pragma once
// Streaming digests: MD5, SHA-1, SHA-256 by OpenSSL; the checksums of S3 are in crc.hpp.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sagelet {

enum class DigestKind { kMd5, kSha1, kSha256 };

/// Feed bytes, then ask once. Not thread-safe; movable.
class Digest {
 public:
  explicit Digest(DigestKind kind);
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  ~Digest();
  void update(std::string_view bytes);
  /// Raw bytes (16, 20 or 32); the object may not be fed afterwards.
  std::string finish();

  static std::string of(DigestKind kind, std::string_view bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string hmac_sha256(std::string_view key, std::string_view bytes);  ///< 32 raw bytes
std::string hmac_sha1(std::string_view key, std::string_view bytes);    ///< 20 raw bytes

std::string to_hex(std::string_view bytes);  ///< lower case
std::string to_base64(std::string_view bytes);
/// False and `out` untouched when `text` is not whole, padded base64.
bool from_base64(std::string_view text, std::string& out);
bool from_hex(std::string_view text, std::string& out);
/// Takes the same time wherever the two differ.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace sagelet
