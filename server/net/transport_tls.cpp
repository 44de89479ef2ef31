#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.hpp"
#include "server/net/transport.hpp"

namespace sagelet::net {

namespace {

/// What lies under an SSL: the descriptor, and bytes that were read before TLS began. OpenSSL's own socket
/// BIO would raise SIGPIPE.
struct Below {
  int fd = -1;
  std::string first;
  std::size_t used = 0;
};

Below& below(BIO* bio) {
  return *static_cast<Below*>(BIO_get_data(bio));
}

int bio_read(BIO* bio, char* buffer, int size) {
  Below& socket = below(bio);
  BIO_clear_retry_flags(bio);
  if (socket.used < socket.first.size()) {
    const std::size_t count = std::min(socket.first.size() - socket.used, static_cast<std::size_t>(size));
    std::memcpy(buffer, socket.first.data() + socket.used, count);
    socket.used += count;
    return static_cast<int>(count);
  }
  const auto count = ::recv(socket.fd, buffer, static_cast<std::size_t>(size), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(count);
}

int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const auto count = ::send(below(bio).fd, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int bio_destroy(BIO* bio) {
  delete static_cast<Below*>(BIO_get_data(bio));
  return 1;
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sagelet socket");
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_ctrl(method, bio_control);
  BIO_meth_set_destroy(method, bio_destroy);
  return method;
}

BIO* make_bio(int fd, std::string first) {
  static BIO_METHOD* const method = make_method();
  BIO* bio = BIO_new(method);
  BIO_set_data(bio, new Below{fd, std::move(first), 0});
  BIO_set_init(bio, 1);
  return bio;
}

class TlsTransport final : public Transport {
 public:
  TlsTransport(int fd, SslPtr ssl, std::string first) : fd_(fd), ssl_(std::move(ssl)) {
    BIO* bio = make_bio(fd, std::move(first));
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_accept_state(ssl_.get());
  }

  Move read(std::span<char> buffer) override {
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &count);
    return result == 1 ? Move{Moved::kSome, count} : failed(result);
  }

  Move write(std::string_view bytes, bool) override {
    if (bytes.empty()) return {Moved::kSome, 0};
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    return result == 1 ? Move{Moved::kSome, count} : failed(result);
  }

  void end_writing() override {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_.get()) != 0 && !broken_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    ::shutdown(fd_, SHUT_WR);
  }
  bool is_plain() const override { return false; }

 private:
  Move failed(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return {Moved::kWantRead, 0};
      case SSL_ERROR_WANT_WRITE:
        return {Moved::kWantWrite, 0};
      case SSL_ERROR_ZERO_RETURN:
        return {Moved::kEnd, 0};
      default:
        tell();
        return {Moved::kBroken, 0};
    }
  }

  /// Nearly always a client that does not know the authority, and does not say so itself in clear words.
  void tell() {
    if (!broken_ && SSL_is_init_finished(ssl_.get()) == 0) {
      const char* reason = ERR_reason_error_string(ERR_peek_error());
      log::info("net: a client broke the TLS handshake off ({}); does it trust the authority of this server?",
                reason != nullptr ? reason : "no reason given");
    }
    broken_ = true;
  }

  int fd_;
  SslPtr ssl_;
  bool broken_ = false;
};

}  // namespace

void SslDeleter::operator()(SSL* ssl) const {
  SSL_free(ssl);
}

std::unique_ptr<Transport> tls_transport(int fd, SslPtr ssl, std::string first) {
  return std::make_unique<TlsTransport>(fd, std::move(ssl), std::move(first));
}

}  // namespace sagelet::net
