#pragma once
// The listener: the only asynchronous part of the house. HTTP/1.1 with keep-alive and pipelining, the forward
// proxy with certificates of its own, bodies streamed both ways.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "server/http/exchange.hpp"

namespace sagelet::net {

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0 takes a free one
  unsigned io_threads = 2;
  unsigned pool_threads = 4;               ///< for exchanges that wait
  std::size_t head_limit = 64 * 1024;      ///< bytes of request line and fields: 431 beyond
  std::chrono::seconds head_timeout{30};   ///< from the first byte of a head to its end
  std::chrono::seconds idle_timeout{120};  ///< between requests, and without a byte moved inside one
  std::size_t max_connections = 4096;
  bool for_nodes = false;  ///< connections have a Visit; `host` is an address that other machines can be told
  std::filesystem::path
      authority_folder;  ///< ca.pem and ca.key live here (made at first need); empty: in memory only
};

/// For /_sagelet/metrics.
struct Figures {
  std::uint64_t connections = 0;          ///< accepted since the start
  std::uint64_t open_connections = 0;     ///< now
  std::uint64_t refused_connections = 0;  ///< over max_connections
  std::uint64_t requests = 0;
  std::uint64_t tunnels = 0;  ///< CONNECTs and absolute-form requests sent on to others
};

/// Owns its threads. start() listens; the destructor stops at once.
class Server {
 public:
  /// Errors name the address and the remedy ("port 4577 is in use by ...").
  static Result<std::unique_ptr<Server>> start(ServerOptions options, http::ExchangeFactory exchanges,
                                               http::ProxyPolicy proxy);
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  /// Stops accepting, lets running requests finish within `grace`, then closes. Tunnels to others end at
  /// once. Blocks; thread-safe; twice is fine. Not from an exchange: it would wait for itself.
  virtual void shutdown(std::chrono::milliseconds grace) = 0;
  /// The authority's certificate in PEM (made if it was not there).
  virtual Result<std::string> authority_certificate() = 0;
  virtual Figures figures() const = 0;
};

/// The private authority: EC P-256, name-constrained to amazonaws.com and amazonaws.com.cn. Loads or makes
/// `folder`/ca.pem and ca.key (mode 0600); two processes that race agree on one. Gives the certificate in
/// PEM.
Result<std::string> ensure_authority(const std::filesystem::path& folder);

}  // namespace sagelet::net
