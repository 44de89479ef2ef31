#pragma once
// SHA-256 and its HMAC for texts of a few hundred bytes: OpenSSL's kernel without EVP around it, which costs
// more than the hash of such a text and allocates for each.
#include <openssl/sha.h>

#include <string>
#include <string_view>

namespace sagelet {

/// One stream. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  /// 32 raw bytes; the object may not be fed afterwards.
  std::string finish();

 private:
  SHA256_CTX state_;
};

/// HMACs by one key, whose own two blocks are hashed once. Const calls from any thread.
class HmacSha256 {
 public:
  explicit HmacSha256(std::string_view key);
  std::string of(std::string_view bytes) const;  ///< 32 raw bytes

 private:
  SHA256_CTX inner_, outer_;
};

}  // namespace sagelet
