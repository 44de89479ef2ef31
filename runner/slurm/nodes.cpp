#include "runner/slurm/nodes.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cstdlib>
#include <memory>
#include <optional>

#include "base/fd.hpp"
#include "runner/script_mode/machine.hpp"

namespace sagelet::runner {
namespace {

std::string text_of(in_addr address) {
  char text[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, &address, text, sizeof text);
  return text;
}

std::string resolved(const std::string& name) {
  addrinfo wanted{};
  wanted.ai_family = AF_INET;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (name.empty() || ::getaddrinfo(name.c_str(), nullptr, &wanted, &found) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  return text_of(reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr);
}

bool is_loopback(const std::string& address) {
  return address.empty() || address.starts_with("127.");
}

/// Ours on the way to `other`: nothing is sent.
std::string address_towards(const std::string& other) {
  sockaddr_in there{}, here{};
  there.sin_family = AF_INET;
  there.sin_port = htons(9);
  socklen_t size = sizeof here;
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd || ::inet_pton(AF_INET, other.c_str(), &there.sin_addr) != 1 ||
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&here), &size) != 0)
    return {};
  return text_of(here.sin_addr);
}

}  // namespace

std::string node_address(std::string_view answer) {
  constexpr std::string_view kName = "NodeAddr=";
  for (auto at = answer.find(kName); at != answer.npos; at = answer.find(kName, at + 1)) {
    if (at > 0 && answer[at - 1] != ' ' && answer[at - 1] != '\n') continue;
    const auto value = answer.substr(at + kName.size());
    return std::string(value.substr(0, value.find_first_of(" \n")));
  }
  return {};
}

std::string own_address(const std::string& node, const std::string& caller) {
  const char* path = std::getenv("PATH");
  const std::string told = node_address(
      script_mode::output_of(path ? path : "/usr/bin:/bin", {"scontrol", "show", "node", node, "-o"}));
  const std::string address = resolved(told.empty() ? node : told);
  if (!is_loopback(address) || is_loopback(caller)) return address.empty() ? "127.0.0.1" : address;
  const std::string seen = address_towards(caller);
  return is_loopback(seen) ? address : seen;
}

std::string interface_of(const std::string& address) {
  if (address.starts_with("127.")) return "lo";
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(all, ::freeifaddrs);
  for (const ifaddrs* one = all; one; one = one->ifa_next)
    if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET &&
        text_of(reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr) == address)
      return one->ifa_name;
  return {};
}

}  // namespace sagelet::runner
