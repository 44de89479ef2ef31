#include "server/net/authority.hpp"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include "base/fs.hpp"
#include "base/ids.hpp"
#include "server/net/certificate.hpp"
#include "server/net/server.hpp"

namespace sagelet::net {

namespace {

constexpr std::size_t kLeavesKept = 256;

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextDeleter>;

struct Pair {
  KeyPtr key;
  CertificatePtr certificate;
};

/// Writes the file whole or not at all, and never over one that is there: whoever races with us for the name,
/// one content wins and everybody reads that one.
Status write_once(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  const std::filesystem::path temporary = path.string() + "." + RandomIds().hex(8);
  TRY(UniqueFd file, open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, mode));
  Status written = write_all(file.get(), bytes);
  if (written && ::fsync(file.get()) != 0) written = Error::last("fsync " + temporary.string());
  if (written && ::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST)
    written = Error::last("link " + path.string());
  ::unlink(temporary.c_str());
  return written;
}

/// The file's text, made by `make` when there is no file yet.
template <class Make>
Result<std::string> read_or_make(const std::filesystem::path& path, unsigned mode, const Make& make) {
  Result<std::string> text = read_file(path);
  if (text || !text.error().is(ErrorKind::kNotFound)) return text;
  TRY(const std::string made, make());
  TRY(write_once(path, made, mode));
  return read_file(path);
}

Result<std::string> new_key_text() {
  TRY(const KeyPtr key, make_key());
  return to_pem(key.get());
}

Result<std::string> certificate_text_for(EVP_PKEY* key) {
  TRY(const CertificatePtr certificate, make_authority_certificate(key));
  return to_pem(certificate.get());
}

/// The key first: two processes that race agree on one key, and whichever certificate wins is of that key.
Result<Pair> load(const std::filesystem::path& folder) {
  TRY(make_folders(folder, 0700));
  TRY(const std::string key_text, read_or_make(folder / "ca.key", 0600, new_key_text));
  Pair pair;
  TRY(pair.key, key_of_pem(key_text));
  const auto make = [&] { return certificate_text_for(pair.key.get()); };
  TRY(const std::string text, read_or_make(folder / "ca.pem", 0644, make));
  TRY(pair.certificate, certificate_of_pem(text));
  const bool expired = X509_cmp_current_time(X509_get0_notAfter(pair.certificate.get())) < 0;
  if (expired || X509_check_private_key(pair.certificate.get(), pair.key.get()) != 1)
    return Error(ErrorKind::kCorrupt, std::string(expired ? "the authority has expired"
                                                          : "ca.pem and ca.key do not belong together") +
                                          ": remove " + folder.string() + " to have a new one made");
  return pair;
}

Result<Pair> load_or_make(const std::filesystem::path& folder) {
  if (!folder.empty()) return load(folder);
  Pair pair;
  TRY(pair.key, make_key());
  TRY(pair.certificate, make_authority_certificate(pair.key.get()));
  return pair;
}

/// Of what the client offers we speak one protocol.
int choose_http11(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                  unsigned in_size, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp11, sizeof kHttp11 - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<ContextPtr> make_context() {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return openssl_error("making a TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_http11, nullptr);
  // Answers end with our FIN as often as with a goodbye; some clients leave without one too.
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

}  // namespace

struct Authority::State {
  Pair authority;
  KeyPtr leaf_key;  ///< one for all names: it never leaves this process
  ContextPtr context;
  std::map<std::string, CertificatePtr, std::less<>> leaves;

  Result<X509*> leaf(std::string_view host) {
    if (const auto found = leaves.find(host); found != leaves.end()) return found->second.get();
    TRY(CertificatePtr made,
        make_leaf_certificate(host, leaf_key.get(), authority.certificate.get(), authority.key.get()));
    if (leaves.size() >= kLeavesKept) leaves.clear();
    return leaves.emplace(std::string(host), std::move(made)).first->second.get();
  }
};

Authority::Authority(std::filesystem::path folder) : folder_(std::move(folder)) {}
Authority::~Authority() = default;

Result<Authority::State*> Authority::state() {
  if (state_) return state_.get();
  auto made = std::make_unique<State>();
  TRY(made->authority, load_or_make(folder_));
  TRY(made->leaf_key, make_key());
  TRY(made->context, make_context());
  state_ = std::move(made);
  return state_.get();
}

Result<std::string> Authority::certificate() {
  const std::lock_guard lock(mutex_);
  TRY(State* const state, this->state());
  return to_pem(state->authority.certificate.get());
}

Result<SslPtr> Authority::accept_as(std::string_view host) {
  const std::lock_guard lock(mutex_);
  TRY(State* const state, this->state());
  TRY(X509* const leaf, state->leaf(host));
  SslPtr ssl(SSL_new(state->context.get()));
  if (!ssl || SSL_use_certificate(ssl.get(), leaf) != 1 ||
      SSL_use_PrivateKey(ssl.get(), state->leaf_key.get()) != 1)
    return openssl_error("preparing TLS");
  return ssl;
}

Result<std::string> ensure_authority(const std::filesystem::path& folder) {
  return Authority(folder).certificate();
}

}  // namespace sagelet::net
