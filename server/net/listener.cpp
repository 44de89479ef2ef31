#include "server/net/listener.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "server/net/addresses.hpp"
#include "server/net/port_owner.hpp"

namespace sagelet::net {

namespace {

struct AddressesDeleter {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

/// What the user wrote.
struct Wanted {
  const std::string& host;
  std::uint16_t port;
  bool for_nodes;
  std::string str() const {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
  }
};

Error cannot_listen(const Wanted& wanted, int error) {
  const std::string port = "port " + std::to_string(wanted.port);
  if (error == EADDRINUSE) {
    const std::string owner = port_owner(wanted.port);
    return {ErrorKind::kAlreadyExists,
            port + " is in use" + (owner.empty() ? "" : " by " + owner) +
                ": stop it, or choose another port (" +
                (wanted.for_nodes ? "in advertise)" : "--port 0 takes a free one)")};
  }
  if (error == EACCES)
    return {ErrorKind::kPermission, port + " needs privileges: choose one of 1024 or more (" +
                                        (wanted.for_nodes ? "in advertise)" : "--port)")};
  if (error == EADDRNOTAVAIL)
    return {ErrorKind::kInvalid, wanted.host + " is no address of this machine: " +
                                     (wanted.for_nodes ? "advertise one that is" : "choose another --host")};
  return Error::from_errno("cannot listen on " + wanted.str(), error);
}

Result<UniqueFd> listen_at(const addrinfo& at, const Wanted& wanted) {
  UniqueFd fd(::socket(at.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return Error::last("socket");
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Accepted sockets inherit it, which saves a call for each.
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::bind(fd.get(), at.ai_addr, at.ai_addrlen) != 0 || ::listen(fd.get(), 4096) != 0)
    return cannot_listen(wanted, errno);
  return fd;
}

/// Many a system's own name is 127.0.1.1 to itself, and something else to everybody else.
std::string unfit_for_nodes(const std::string& host, const sockaddr& address) {
  if (is_unspecified(address)) return host + " is no address that nodes can be told";
  const bool meant = host == "localhost" || host == text_of(address);
  if (!is_loopback(address) || meant) return {};
  return host + " is " + text_of(address) + " on this machine, which no node reaches: advertise an address";
}

}  // namespace

Result<UniqueFd> listen_on(const std::string& host, std::uint16_t port, bool for_nodes) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  if (host == "localhost") hints.ai_family = AF_INET;
  addrinfo* list = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
      failed != 0)
    return Error(ErrorKind::kInvalid, "cannot listen on " + host + ": " + ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, AddressesDeleter> owner(list);
  if (!for_nodes) return listen_at(*list, {host, port, false});
  Result<UniqueFd> last = Error(ErrorKind::kInvalid, host + " has no address");
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    if (const auto why = unfit_for_nodes(host, *at->ai_addr); !why.empty()) {
      last = Error(ErrorKind::kInvalid, why);
    } else if (last = listen_at(*at, {host, port, true}); last) {
      break;
    }
  }
  return last;
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
  accepted.peer.address = text_of(reinterpret_cast<const sockaddr&>(address));
  accepted.peer.loopback = is_loopback(reinterpret_cast<const sockaddr&>(address));
  return accepted;
}

}  // namespace sagelet::net
