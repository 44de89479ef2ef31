#define OPENSSL_SUPPRESS_DEPRECATED  // as in md5_kernel.cpp; OpenSSL 3 keeps this form
#include "base/sha256.hpp"

#include <openssl/crypto.h>

#include <cstddef>

namespace sagelet {

namespace {

constexpr std::size_t kBlock = 64;

void feed(SHA256_CTX& state, std::string_view bytes) {
  SHA256_Update(&state, bytes.data(), bytes.size());
}

std::string end(SHA256_CTX& state) {
  std::string raw(SHA256_DIGEST_LENGTH, '\0');
  SHA256_Final(reinterpret_cast<unsigned char*>(raw.data()), &state);
  return raw;
}

/// The state after the key's block, each byte of it changed by `mask`.
SHA256_CTX keyed(std::string_view key, char mask) {
  char block[kBlock];
  for (std::size_t i = 0; i < kBlock; ++i)
    block[i] = static_cast<char>((i < key.size() ? key[i] : '\0') ^ mask);
  SHA256_CTX state;
  SHA256_Init(&state);
  feed(state, {block, kBlock});
  OPENSSL_cleanse(block, kBlock);
  return state;
}

}  // namespace

Sha256::Sha256() {
  SHA256_Init(&state_);
}

void Sha256::update(std::string_view bytes) {
  feed(state_, bytes);
}

std::string Sha256::finish() {
  return end(state_);
}

/// RFC 2104.
HmacSha256::HmacSha256(std::string_view key) {
  std::string hashed;
  if (key.size() > kBlock) {
    Sha256 digest;
    digest.update(key);
    key = hashed = digest.finish();
  }
  inner_ = keyed(key, 0x36);
  outer_ = keyed(key, 0x5c);
}

std::string HmacSha256::of(std::string_view bytes) const {
  SHA256_CTX state = inner_;
  feed(state, bytes);
  const std::string once = end(state);
  state = outer_;
  feed(state, once);
  return end(state);
}

}  // namespace sagelet
