#include "server/net/addresses.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <array>
#include <memory>

namespace sagelet::net {

namespace {

/// Every address as IPv6, IPv4 mapped into it, so that each kind has one spelling.
in6_addr as_six(const sockaddr& address) {
  in6_addr six{};
  if (address.sa_family == AF_INET6) return reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  six.s6_addr[10] = six.s6_addr[11] = 0xff;
  six.s6_addr32[3] = reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr;
  return six;
}

bool is_link_local(const in6_addr& six) {
  if (IN6_IS_ADDR_V4MAPPED(&six)) return six.s6_addr[12] == 169 && six.s6_addr[13] == 254;
  return IN6_IS_ADDR_LINKLOCAL(&six);
}

bool is_internet(const sockaddr* address) {
  return address != nullptr && (address->sa_family == AF_INET || address->sa_family == AF_INET6);
}

struct InterfacesDeleter {
  void operator()(ifaddrs* list) const { ::freeifaddrs(list); }
};

bool is_of_this_machine(const in6_addr& six) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return true;
  const std::unique_ptr<ifaddrs, InterfacesDeleter> owner(list);
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (!is_internet(at->ifa_addr)) continue;
    const in6_addr mine = as_six(*at->ifa_addr);
    if (IN6_ARE_ADDR_EQUAL(&mine, &six)) return true;
  }
  return false;
}

}  // namespace

bool is_loopback(const sockaddr& address) {
  const in6_addr six = as_six(address);
  return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
}

bool is_unspecified(const sockaddr& address) {
  const in6_addr six = as_six(address);
  return IN6_IS_ADDR_UNSPECIFIED(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr32[3] == 0);
}

std::string text_of(const sockaddr& address) {
  const in6_addr six = as_six(address);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    ::inet_ntop(AF_INET, &six.s6_addr32[3], text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, &six, text.data(), text.size());
  }
  return text.data();
}

bool is_only_ours(const sockaddr& address, int socket) {
  const in6_addr six = as_six(address);
  if (is_loopback(address) || is_unspecified(address) || is_link_local(six)) return true;
  sockaddr_storage met{};
  socklen_t size = sizeof met;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&met), &size) == 0 &&
      is_internet(reinterpret_cast<sockaddr*>(&met))) {
    const in6_addr ours = as_six(reinterpret_cast<const sockaddr&>(met));
    if (IN6_ARE_ADDR_EQUAL(&ours, &six)) return false;
  }
  return is_of_this_machine(six);
}

}  // namespace sagelet::net
