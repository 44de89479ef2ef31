#pragma once
// One request's life, seen from server/net. The gateway implements it; app.cpp hands net the factory, so net
// never sees the gateway.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "server/http/message.hpp"

namespace sagelet::http {

/// Calls come from one thread at a time, in the order begin, body*, finish. Destroyed at any point when the
/// client goes.
class Exchange {
 public:
  virtual ~Exchange() = default;

  /// Judges the head. A response means: answer this, the body is not wanted (no 100 Continue was sent).
  /// nullopt means: read the body on; net sends 100 Continue if the client waits for it.
  virtual std::optional<Response> begin(Head head) = 0;

  /// The next bytes of the body, transfer coding removed. A response breaks the request off with that answer.
  virtual std::optional<Response> body(std::string_view bytes) = 0;

  /// finish() may wait for disk or others: net runs it on the pool instead of the I/O thread.
  virtual bool waits() const = 0;

  /// Runs the handler. `done` is called exactly once, from any thread, perhaps before finish() returns. The
  /// exchange stays alive until then.
  virtual void finish(std::function<void(Response)> done) = 0;
};

using ExchangeFactory = std::function<std::unique_ptr<Exchange>()>;

/// What the forward proxy does with CONNECT (or an absolute-form request) for host:port.
struct ProxyDecision {
  enum class Kind { kServeHere, kTunnel, kRefuse } kind = Kind::kRefuse;
  std::string via_host;  ///< kTunnel: the upstream proxy, empty for a direct connection
  std::uint16_t via_port = 0;
  std::string via_authorization;  ///< kTunnel: Proxy-Authorization value for the upstream proxy, or empty
  bool outside_only = false;      ///< kTunnel: never to an address that only this machine reaches
  std::optional<Response> refusal;
};
/// Thread-safe; of what it is given it changes only the visit. `head.target` is "host:port" for CONNECT, an
/// absolute URI otherwise.
using ProxyPolicy = std::function<ProxyDecision(const Head& head, std::string_view host, std::uint16_t port)>;

}  // namespace sagelet::http
