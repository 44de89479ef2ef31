#include "runner/sandbox/process/private_network.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "base/fs.hpp"
#include "base/socket.hpp"
#include "fmt/format.h"
#include "runner/sandbox/process/mounts.hpp"
#include "runner/sandbox/process/netlink.hpp"

namespace sagelet::runner {
namespace {

constexpr const char* kBridge = "br0";
constexpr unsigned kPrefix = 16;

/// 10.77.0.2 for the first, 250 in each last part.
std::string address_of(std::size_t index) {
  return fmt::format("10.77.{}.{}", index / 250, index % 250 + 2);
}

struct Endpoint {
  std::string address;
  int port = 0;
};

Endpoint endpoint_of(const std::string& server) {
  const auto colon = server.rfind(':');
  Endpoint endpoint{server.substr(0, colon), std::atoi(server.c_str() + colon + 1)};
  in_addr number{};
  if (::inet_pton(AF_INET, endpoint.address.c_str(), &number) != 1) endpoint.address = "127.0.0.1";
  return endpoint;
}

Result<UniqueFd> listen_at(const Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(endpoint.port));
  ::inet_pton(AF_INET, endpoint.address.c_str(), &address.sin_addr);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 64) != 0)
    return Error::last(fmt::format("listening at {}:{} of a host", endpoint.address, endpoint.port));
  return fd;
}

Result<UniqueFd> fresh_network() {
  if (::unshare(CLONE_NEWNET) != 0) return Error::last("a network namespace");
  TRY(auto fd, open_file("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  TRY(bring_loopback_up());
  return fd;
}

Status enter(const UniqueFd& network) {
  return ::setns(network.get(), CLONE_NEWNET) == 0 ? Status() : Status(Error::last("entering a network"));
}

/// What the builder says: a text when it failed, else descriptors, a message each: the bridge's, then the
/// hosts'.
struct Word {
  char trouble[200] = {};
};

Result<std::vector<UniqueFd>> hear(int socket) {
  Word word;
  auto fds = receive_with(socket, room_of(word));
  if (!fds) return Error(ErrorKind::kPermission, "the network's builder died");
  if (!fds->empty()) return fds;
  word.trouble[sizeof word.trouble - 1] = '\0';
  return Error(ErrorKind::kPermission, word.trouble);
}

Status build_host(Netlink& bridge_link, const UniqueFd& bridge, std::size_t index, const std::string& server,
                  int socket) {
  TRY(const UniqueFd network, fresh_network());
  UniqueFd door;
  if (!server.empty()) {
    const auto endpoint = endpoint_of(server);
    if (!endpoint.address.starts_with("127.")) {
      TRY(Netlink own, Netlink::open());
      TRY(own.add_address("lo", endpoint.address, 32));
    }
    TRY(door, listen_at(endpoint));
  }
  TRY(enter(bridge));
  const auto name = fmt::format("host{}", index + 1);
  TRY(bridge_link.add_pair(name, network.get()));
  TRY(bridge_link.attach(name, kBridge));
  TRY(enter(network));
  TRY(Netlink link, Netlink::open());
  TRY(link.add_address("eth0", address_of(index), kPrefix));
  TRY(link.set_up("eth0"));
  std::vector<int> fds{network.get()};
  if (door) fds.push_back(door.get());
  return send_with(socket, bytes_of(Word()), fds);
}

Status build(std::size_t count, const std::string& server, int socket) {
  TRY(const UniqueFd bridge, fresh_network());
  TRY(Netlink link, Netlink::open());
  TRY(link.add_bridge(kBridge));
  TRY(link.set_up(kBridge));
  const int root = bridge.get();
  TRY(send_with(socket, bytes_of(Word()), std::span(&root, 1)));
  for (std::size_t index = 0; index < count; ++index) {
    TRY(build_host(link, bridge, index, server, socket));
    TRY(enter(bridge));
  }
  return {};
}

[[noreturn]] void build_and_exit(std::size_t count, const std::string& server, int socket) {
  if (const Status done = build(count, server, socket); !done) {
    Word word;
    std::strncpy(word.trouble, done.error().message().c_str(), sizeof word.trouble - 1);
    (void)send_with(socket, bytes_of(word), {});
  }
  ::_exit(0);
}

Result<PrivateNetwork> collect(std::size_t count, int socket) {
  PrivateNetwork network;
  TRY(auto bridge, hear(socket));
  network.bridge = std::move(bridge.front());
  for (std::size_t index = 0; index < count; ++index) {
    TRY(auto fds, hear(socket));
    HostPlace place{address_of(index), std::move(fds.front()), {}};
    if (fds.size() > 1) place.door = std::move(fds[1]);
    network.hosts.push_back(std::move(place));
  }
  return network;
}

}  // namespace

Result<PrivateNetwork> PrivateNetwork::make(std::size_t count, const std::string& server) {
  TRY(SocketPair pair, make_socket_pair(SOCK_SEQPACKET));
  const pid_t builder = ::fork();  // a process of its own: who has left a namespace may not come back
  if (builder < 0) return Error::last("fork");
  if (builder == 0) build_and_exit(count, server, pair.theirs.get());
  pair.theirs.reset();
  auto network = collect(count, pair.ours.get());
  ::waitpid(builder, nullptr, 0);
  return network;
}

Status enter_user_namespace() {
  const unsigned user = ::geteuid(), group = ::getegid();
  if (::unshare(CLONE_NEWUSER) != 0) return Error::last("a user namespace");
  return map_own_id(user, group);
}

Status bring_loopback_up() {
  TRY(Netlink link, Netlink::open());
  return link.set_up("lo");
}

}  // namespace sagelet::runner
