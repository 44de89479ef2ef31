#pragma once
// Bytes in and out of a non-blocking socket, plain or through TLS. Never waits: it says what to wait for.
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

using SSL = struct ssl_st;

namespace sagelet::net {

enum class Moved {
  kSome,       ///< `bytes` were moved
  kWantRead,   ///< nothing yet: the socket must become readable first
  kWantWrite,  ///< ... writable first
  kEnd,        ///< the other side has ended its stream properly
  kBroken,
};
struct Move {
  Moved what = Moved::kBroken;
  std::size_t bytes = 0;
};

/// Does not own the descriptor.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Move read(std::span<char> buffer) = 0;
  /// `more` says that further bytes follow at once: the kernel may hold a short packet back for them.
  virtual Move write(std::string_view bytes, bool more) = 0;
  /// Ends our direction: FIN, with TLS's own goodbye before it.
  virtual void end_writing() = 0;
  /// sendfile(2) may be used on the descriptor.
  virtual bool is_plain() const = 0;
};

std::unique_ptr<Transport> plain_transport(int fd);

struct SslDeleter {
  void operator()(SSL* ssl) const;
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;

/// The server's side of a TLS connection. `first` are bytes that were already read from the descriptor. The
/// handshake happens inside the first read or write.
std::unique_ptr<Transport> tls_transport(int fd, SslPtr ssl, std::string first);

}  // namespace sagelet::net
