#pragma once
// What the forward proxy does with a host name: AWS names of services that we have are served here,
// everything else is tunnelled as it was before we stood in between, or refused with --offline.
#include <functional>
#include <string>
#include <string_view>

#include "server/gateway/door.hpp"
#include "server/http/exchange.hpp"

namespace sagelet::gateway {

struct ProxyOptions {
  bool offline = false;
  std::string upstream_url;       ///< SAGELET_UPSTREAM_PROXY: http://[user:password@]host[:port], or empty
  std::string upstream_no_proxy;  ///< host suffixes that go direct, comma separated
  std::function<bool(std::string_view service)> has_service;
  std::function<bool(std::string_view host)> has_registry;  ///< is this image registry one of ours
  std::function<bool(std::string_view token)>
      job_token;         ///< Proxy-Authorization of peers that are not loopback
  Door* door = nullptr;  ///< judges who came by the listener that nodes reach
};

http::ProxyPolicy make_proxy_policy(ProxyOptions options);

}  // namespace sagelet::gateway
