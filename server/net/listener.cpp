#include "server/net/listener.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "server/net/port_owner.hpp"

namespace sagelet::net {

namespace {

struct AddressesDeleter {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

std::string place(const std::string& host, std::uint16_t port) {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

Error cannot_listen(const std::string& host, std::uint16_t port, int error) {
  if (error == EADDRINUSE) {
    const std::string owner = port_owner(port);
    return {ErrorKind::kAlreadyExists, "port " + std::to_string(port) + " is in use" +
                                           (owner.empty() ? "" : " by " + owner) +
                                           ": stop it, or choose another port (--port 0 takes a free one)"};
  }
  if (error == EACCES)
    return {ErrorKind::kPermission,
            "port " + std::to_string(port) + " needs privileges: choose one of 1024 or more (--port)"};
  if (error == EADDRNOTAVAIL)
    return {ErrorKind::kInvalid, host + " is no address of this machine: choose another --host"};
  return Error::from_errno("cannot listen on " + place(host, port), error);
}

bool is_loopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET)
    return (ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24) == 127;
  const in6_addr& six = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
}

std::string text_of(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text.data(),
                text.size());
  }
  const std::string_view name(text.data());
  return std::string(name.starts_with("::ffff:") && name.find('.') != name.npos ? name.substr(7) : name);
}

}  // namespace

Result<UniqueFd> listen_on(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  if (host == "localhost") hints.ai_family = AF_INET;
  addrinfo* list = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
      failed != 0)
    return Error(ErrorKind::kInvalid, "cannot listen on " + host + ": " + ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, AddressesDeleter> owner(list);
  UniqueFd fd(::socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return Error::last("socket");
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Accepted sockets inherit it, which saves a call for each.
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::bind(fd.get(), list->ai_addr, list->ai_addrlen) != 0 || ::listen(fd.get(), 4096) != 0)
    return cannot_listen(host, port, errno);
  return fd;
}

std::uint16_t port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                                            : reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

Result<Accepted> accept_from(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  Accepted accepted;
  accepted.socket.reset(
      ::accept4(socket, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!accepted.socket) {
    const bool full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    return Error(full ? ErrorKind::kNoSpace : ErrorKind::kUnavailable,
                 std::string("accept: ") + std::strerror(errno));
  }
  accepted.peer.address = text_of(address);
  accepted.peer.loopback = is_loopback(address);
  return accepted;
}

}  // namespace sagelet::net
