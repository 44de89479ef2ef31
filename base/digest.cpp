#include "base/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstring>
#include <optional>
#include <stdexcept>

#include "base/sha256.hpp"

namespace sagelet {

namespace {

/// Fetched once: looking an algorithm up costs OpenSSL 3 more than hashing a short text.
const EVP_MD* algorithm(DigestKind kind) {
  static const EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  const EVP_MD* found = kind == DigestKind::kMd5 ? md5 : sha1;
  if (!found) throw std::runtime_error("OpenSSL has no such digest");
  return found;
}

void require(int ok) {
  if (ok != 1) throw std::runtime_error("OpenSSL digest failed");
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

/// One context a thread for digests that are made in one go.
EVP_MD_CTX* scratch() {
  thread_local const Context context(EVP_MD_CTX_new());
  return context.get();
}

std::string finish_context(EVP_MD_CTX* context) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  require(EVP_DigestFinal_ex(context, out, &length));
  return std::string(reinterpret_cast<const char*>(out), length);
}

std::string digest_two(DigestKind kind, std::string_view first, std::string_view second) {
  EVP_MD_CTX* const context = scratch();
  require(EVP_DigestInit_ex2(context, algorithm(kind), nullptr));
  require(EVP_DigestUpdate(context, first.data(), first.size()));
  require(EVP_DigestUpdate(context, second.data(), second.size()));
  return finish_context(context);
}

/// RFC 2104. By hand because OpenSSL 3's HMAC() looks its algorithms up anew in each call.
std::string hmac(DigestKind kind, std::string_view key, std::string_view bytes) {
  constexpr std::size_t kBlock = 64;
  std::string hashed;
  if (key.size() > kBlock) key = hashed = Digest::of(kind, key);
  char inner[kBlock], outer[kBlock];
  for (std::size_t i = 0; i < kBlock; ++i) {
    const char k = i < key.size() ? key[i] : '\0';
    inner[i] = static_cast<char>(k ^ 0x36);
    outer[i] = static_cast<char>(k ^ 0x5c);
  }
  const std::string once = digest_two(kind, {inner, kBlock}, bytes);
  std::string twice = digest_two(kind, {outer, kBlock}, once);
  OPENSSL_cleanse(inner, kBlock);
  OPENSSL_cleanse(outer, kBlock);
  return twice;
}

}  // namespace

struct Digest::State {
  std::optional<Sha256> sha256;
  Context context;  ///< of the others
};

Digest::Digest(DigestKind kind) : state_(std::make_unique<State>()) {
  if (kind == DigestKind::kSha256) {
    state_->sha256.emplace();
    return;
  }
  state_->context.reset(EVP_MD_CTX_new());
  require(EVP_DigestInit_ex2(state_->context.get(), algorithm(kind), nullptr));
}
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

void Digest::update(std::string_view bytes) {
  if (state_->sha256) return state_->sha256->update(bytes);
  require(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()));
}

std::string Digest::finish() {
  if (state_->sha256) return state_->sha256->finish();
  return finish_context(state_->context.get());
}

std::string Digest::of(DigestKind kind, std::string_view bytes) {
  if (kind == DigestKind::kSha256) {
    Sha256 digest;
    digest.update(bytes);
    return digest.finish();
  }
  return digest_two(kind, bytes, {});
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  return HmacSha256(key).of(bytes);
}

std::string hmac_sha1(std::string_view key, std::string_view bytes) {
  return hmac(DigestKind::kSha1, key, bytes);
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace sagelet
