// Whose name a request may be addressed to, and from which pages it may come.
//
// A page of evil.example that has its own name point at 127.0.0.1 (DNS rebinding) still sends Host:
// evil.example; a page that calls 127.0.0.1 directly sends Origin: http://evil.example.
#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "server/auth/auth.hpp"
#include "server/auth/signature.hpp"
#include "server/http/uri.hpp"

namespace sagelet::auth {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

/// Lower case, without port, brackets and a final dot; empty when it is no authority.
std::string name_of(std::string_view authority) {
  const auto parts = http::split_authority(authority);
  if (!parts) return {};
  std::string name = lower(parts->host);
  if (name.ends_with('.')) name.pop_back();
  return name;
}

bool is_or_is_below(std::string_view name, std::string_view parent) {
  if (parent.empty() || !name.ends_with(parent)) return false;
  return name.size() == parent.size() || name[name.size() - parent.size() - 1] == '.';
}

bool is_ip(const std::string& name) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, name.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

bool is_loopback(const std::string& name) {
  in_addr v4;
  if (::inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return name == "::1" || is_or_is_below(name, "localhost");
}

bool is_aws(std::string_view name) {
  return name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn");
}

const std::string& machine_name() {
  static const std::string name = [] {
    char buffer[256] = "";
    return ::gethostname(buffer, sizeof buffer - 1) == 0 ? lower(buffer) : std::string();
  }();
  return name;
}

/// --host: the address itself; a name has buckets below it; "all addresses" takes every address, which nobody
/// can rebind.
bool is_listening_host(const std::string& name, const std::string& host) {
  if (host.empty()) return false;
  if (host == "0.0.0.0" || host == "::") return is_ip(name);
  return name == host || (!is_ip(host) && is_or_is_below(name, host));
}

/// "tools.corp", or "*.tools.corp" for what is below it too.
bool is_listed(std::string_view name, const std::vector<std::string>& allowed) {
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& entry) {
    const std::string wanted = lower(entry);
    return wanted.starts_with("*.") ? is_or_is_below(name, std::string_view(wanted).substr(2))
                                    : name == wanted;
  });
}

bool is_ours(const std::string& name, const Options& options) {
  if (name.empty()) return false;
  return is_loopback(name) || is_listening_host(name, lower(options.host)) || name == machine_name() ||
         is_or_is_below(name, "host.docker.internal") || is_listed(name, options.allowed_hosts);
}

}  // namespace

bool Authenticator::host_allowed(const http::Head& head) const {
  const auto is_host = [](const http::Header& header) { return http::same_name(header.name, "host"); };
  if (std::count_if(head.headers.begin(), head.headers.end(), is_host) != 1) return false;
  const std::string name = name_of(head.headers.get("host"));
  return is_aws(name) || is_ours(name, options_);
}

bool Authenticator::origin_foreign(const http::Head& head) const {
  const auto origin = head.headers.find("origin");
  if (!origin) return false;
  const auto scheme_end = origin->find("://");
  if (scheme_end == std::string_view::npos) return true;  // "null": a sandboxed frame, a local file
  const std::string_view scheme = origin->substr(0, scheme_end);
  if (scheme != "http" && scheme != "https") return true;
  // AWS's names are not ours here: anybody may put a page into a bucket there.
  return !is_ours(name_of(origin->substr(scheme_end + 3)), options_);
}

std::string bucket_in_host(std::string_view host, std::string_view own_host) {
  const std::string name = name_of(host);
  const std::string own = lower(own_host);
  std::string_view parent;
  if (is_aws(name)) {
    // The bucket ends where the service's label starts; a bucket's name may have dots, and "s3-" in it.
    for (const std::string_view mark : {".s3.", ".s3-"})
      if (const auto at = name.rfind(mark); at != std::string::npos) return name.substr(0, at);
    return {};
  }
  for (const std::string_view candidate : {std::string_view("s3.localhost"), std::string_view("localhost"),
                                           std::string_view("host.docker.internal"), std::string_view(own)})
    if (parent.empty() && is_or_is_below(name, candidate)) parent = candidate;
  if (parent.empty() || parent.size() == name.size() || is_ip(name)) return {};
  return name.substr(0, name.size() - parent.size() - 1);
}

}  // namespace sagelet::auth
