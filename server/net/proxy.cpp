// The forward proxy: CONNECT, and requests in absolute form.
#include <algorithm>
#include <exception>

#include "base/log.hpp"
#include "server/http/uri.hpp"
#include "server/net/connection.hpp"
#include "server/net/loop.hpp"

namespace sagelet::net {

namespace {

using Kind = http::ProxyDecision::Kind;

constexpr std::string_view kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return result;
}

http::Response refusal_of(http::ProxyDecision& decision) {
  if (decision.refusal) return std::move(*decision.refusal);
  return http::Response::text(403, "This proxy does not reach that host.\n");
}

}  // namespace

http::Response cannot_reach(const Destination& to, const http::ProxyDecision& decision, const Error& error) {
  const bool refused = error.is(ErrorKind::kPermission);
  const Destination via{decision.via_host, decision.via_port};
  const std::string way = decision.via_host.empty() ? "" : " through the proxy " + via.str();
  return http::Response::text(
      refused ? 403 : 502, (refused ? "Sagelet does not reach " : "Sagelet cannot reach ") + to.str() + way +
                               ": " + error.message() + "\n");
}

int Connection::visitor_of(const http::ProxyDecision& decision) {
  return decision.outside_only && decision.via_host.empty() ? channel_.fd() : -1;
}

http::ProxyDecision Connection::decide(const http::Head& head, const Destination& to) const {
  http::ProxyDecision decision;
  if (!core_.proxy) return decision;
  try {
    return core_.proxy(head, to.host, to.port);
  } catch (const std::exception& bug) {
    log::error("net: the proxy policy threw: {}", bug.what());
  }
  return decision;
}

Task<bool> Connection::connect(http::Head head) {
  const auto authority = http::split_authority(head.target);
  if (!authority || !authority->port || !parser_->done() || !peer_.tunnel_host.empty())
    co_return co_await refuse(
        http::Response::text(400, "CONNECT wants host:port, no body, and no other tunnel.\n"));
  Destination to{lower(authority->host), *authority->port};
  http::ProxyDecision decision = decide(head, to);
  if (decision.kind == Kind::kRefuse) co_return co_await refuse(refusal_of(decision));
  if (decision.kind == Kind::kServeHere) co_return co_await serve_here(std::move(to.host));
  co_return co_await tunnel(std::move(decision), std::move(to));
}

/// True: the connection goes on with requests for `host`, through TLS unless the client speaks plain HTTP in
/// there.
Task<bool> Connection::serve_here(std::string host) {
  Result<SslPtr> ssl = core_.authority.accept_as(host);
  if (!ssl) {
    log::error("net: no certificate for {}: {}", host, ssl.error().message());
    co_return co_await refuse(
        http::Response::text(502, "No certificate for " + host + ": " + ssl.error().message() + "\n"));
  }
  const bool told = co_await channel_.write(kEstablished);
  if (!told) co_return false;
  channel_.set_deadline(channel_.loop().now() + core_.options.head_timeout);
  channel_.set_idle(true);
  Fill heard = Fill::kBytes;
  if (channel_.in().empty()) heard = co_await channel_.fill(2048);
  channel_.set_idle(false);
  if (heard != Fill::kBytes) co_return false;
  peer_.tunnel_host = std::move(host);
  peer_.tls = channel_.in().view().front() == '\x16';
  if (peer_.tls) channel_.start_tls(std::move(*ssl));
  co_return true;
}

Task<bool> Connection::tunnel(http::ProxyDecision decision, Destination to) {
  core_.tunnels.fetch_add(1, std::memory_order_relaxed);
  channel_.clear_deadline();
  const bool direct = decision.via_host.empty();
  Destination next = direct ? to : Destination{decision.via_host, decision.via_port};
  Result<std::unique_ptr<Channel>> upstream =
      co_await dial(channel_.loop(), std::move(next), visitor_of(decision));
  if (!upstream) co_return co_await refuse(cannot_reach(to, decision, upstream.error()));
  if (!direct) {
    const Status asked = co_await ask_proxy(**upstream, to, decision.via_authorization);
    if (!asked) co_return co_await refuse(cannot_reach(to, decision, asked.error()));
  }
  const bool told = co_await channel_.write(kEstablished);
  if (!told) co_return false;
  co_await relay(channel_, **upstream);
  co_return false;
}

Task<bool> Connection::absolute(http::Head head) {
  const auto target = http::split_absolute(head.target);
  const auto authority = target ? http::split_authority(target->authority) : std::nullopt;
  if (!authority)
    co_return co_await refuse(http::Response::text(400, "The request's target is not understood.\n"));
  const bool is_http = http::same_name(target->scheme, "http");
  if (!is_http && peer_.tunnel_host.empty())
    co_return co_await refuse(
        http::Response::text(400, "Only http:// can be asked for; use CONNECT for https://.\n"));
  Destination to{lower(authority->host), authority->port.value_or(80)};
  http::ProxyDecision decision;
  decision.kind = Kind::kServeHere;
  if (peer_.tunnel_host.empty()) decision = decide(head, to);
  if (decision.kind == Kind::kRefuse) co_return co_await refuse(refusal_of(decision));
  if (decision.kind == Kind::kTunnel)
    co_return co_await forward(std::move(head), std::move(decision), std::move(to));
  head.headers.set("Host", std::string(target->authority));
  std::string origin(target->origin.starts_with('/') ? "" : "/");
  origin += target->origin;
  head.target = std::move(origin);
  co_return co_await serve(std::move(head));
}

}  // namespace sagelet::net
