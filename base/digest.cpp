#include "base/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

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

std::string digest_at_once(DigestKind kind, std::string_view bytes) {
  EVP_MD_CTX* const context = scratch();
  require(EVP_DigestInit_ex2(context, algorithm(kind), nullptr));
  require(EVP_DigestUpdate(context, bytes.data(), bytes.size()));
  return finish_context(context);
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
  return digest_at_once(kind, bytes);
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  return HmacSha256(key).of(bytes);
}

std::string hmac_sha1(std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  const auto* const data = reinterpret_cast<const unsigned char*>(bytes.data());
  if (!HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), data, bytes.size(), out, &length))
    throw std::runtime_error("OpenSSL HMAC failed");
  return std::string(reinterpret_cast<const char*>(out), length);
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace sagelet
