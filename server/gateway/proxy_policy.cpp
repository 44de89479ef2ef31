#include "server/gateway/proxy_policy.hpp"

#include <charconv>
#include <memory>

#include "base/digest.hpp"
#include "base/sigv4.hpp"
#include "fmt/format.h"
#include "server/gateway/identify.hpp"

namespace sagelet::gateway {

namespace {

using http::ProxyDecision;

struct Upstream {
  std::string host;
  std::uint16_t port = 3128;
  std::string authorization;
};

/// http://user:password@host:port/ -> its parts; an empty host when there is none.
Upstream parse_upstream(std::string_view url) {
  Upstream out;
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('/'));
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    out.authorization = "Basic " + to_base64(sigv4::percent_decode(url.substr(0, at)));
    url.remove_prefix(at + 1);
  }
  const auto colon = url.rfind(':');
  if (colon != std::string_view::npos && url.back() != ']') {
    std::from_chars(url.data() + colon + 1, url.data() + url.size(), out.port);
    url = url.substr(0, colon);
  }
  out.host = std::string(url);
  return out;
}

bool goes_direct(std::string_view host, std::string_view list) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    auto entry = list.substr(0, comma);
    while (entry.starts_with(' ')) entry.remove_prefix(1);
    while (entry.ends_with(' ')) entry.remove_suffix(1);
    if (entry == "*") return true;
    if (entry.starts_with('.')) entry.remove_prefix(1);
    if (!entry.empty() && (host == entry || host.ends_with(std::string(".").append(entry)))) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

ProxyDecision refuse(int status, std::string text) {
  ProxyDecision out;
  out.kind = ProxyDecision::Kind::kRefuse;
  out.refusal = http::Response::text(status, std::move(text));
  return out;
}

bool may_use(const http::Head& head, const ProxyOptions& options) {
  if (head.peer.visit != nullptr) return options.door != nullptr && options.door->admit_to_proxy(head);
  if (head.peer.loopback) return true;
  auto token = head.headers.get("proxy-authorization");
  if (token.starts_with("Bearer ")) token.remove_prefix(7);
  return !token.empty() && options.job_token && options.job_token(token);
}

/// AWS's own registries (of framework images) stay reachable beside ours.
bool is_served(std::string_view host, const ProxyOptions& options) {
  const auto name = parse_aws_name(host);
  if (!name) return false;
  if (name->service == "registry") return options.has_registry && options.has_registry(host);
  return options.has_service(name->service);
}

ProxyDecision tunnel(const ProxyOptions& options, const Upstream& upstream, std::string_view host) {
  ProxyDecision out;
  out.kind = ProxyDecision::Kind::kTunnel;
  if (upstream.host.empty() || goes_direct(host, options.upstream_no_proxy)) return out;
  out.via_host = upstream.host;
  out.via_port = upstream.port;
  out.via_authorization = upstream.authorization;
  return out;
}

}  // namespace

/// net refuses what a name leads to; the next proxy would not.
bool names_this_machine(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "::1" ||
         host.starts_with("::ffff:") || host.starts_with("169.254.") || host.starts_with("fe80:") ||
         host == "0.0.0.0" || host == "::" || host == "0";
}

ProxyDecision needs_login() {
  auto out =
      refuse(407,
             "The proxy is open to running jobs only: log in with a job's access key as the user and its "
             "session or report token as the password.\n");
  out.refusal->headers.add("Proxy-Authenticate",
                           "Basic realm=\"a running job's access key and session token\"");
  return out;
}

http::ProxyPolicy make_proxy_policy(ProxyOptions given) {
  auto options = std::make_shared<const ProxyOptions>(std::move(given));
  const Upstream upstream = parse_upstream(options->upstream_url);
  return [options, upstream](const http::Head& head, std::string_view host, std::uint16_t) {
    const bool at_door = head.peer.visit != nullptr;
    if (!may_use(head, *options)) {
      if (at_door) return needs_login();
      return refuse(
          407, "The proxy is open to this machine only, or with a job's token as Proxy-Authorization.\n");
    }
    if (is_served(host, *options)) {
      ProxyDecision out;
      out.kind = ProxyDecision::Kind::kServeHere;
      return out;
    }
    if (options->offline)
      return refuse(
          403, fmt::format("{} is outside, and sagelet runs with --offline. Start it without --offline to "
                           "let it through.\n",
                           host));
    if (at_door && names_this_machine(host))
      return refuse(403, fmt::format("Sagelet does not reach {}: it is this machine's own.\n", host));
    auto out = tunnel(*options, upstream, host);
    out.outside_only = at_door;
    return out;
  };
}

}  // namespace sagelet::gateway
