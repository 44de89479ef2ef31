#include "runner/sandbox/docker/relay.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <list>
#include <optional>
#include <vector>

namespace sagelet::runner {
namespace {

constexpr std::size_t kBuffer = 65536;
constexpr std::size_t kMostConnections = 512;

std::optional<sockaddr_in> to_address(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return std::nullopt;
  return address;
}

/// One direction: what was read and is not written yet.
struct Flow {
  std::vector<char> bytes = std::vector<char>(kBuffer);
  std::size_t begin = 0, end = 0;
  bool read_ended = false, write_ended = false;

  bool wants_to_read() const { return !read_ended && begin == end; }
  bool wants_to_write() const { return begin != end; }
};

/// False when the connection is broken.
bool read_into(Flow& flow, int fd) {
  const ssize_t got = ::recv(fd, flow.bytes.data(), flow.bytes.size(), MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  flow.begin = 0;
  flow.end = static_cast<std::size_t>(got);
  flow.read_ended = got == 0;
  return true;
}

bool write_from(Flow& flow, int fd) {
  if (flow.wants_to_write()) {
    const ssize_t sent =
        ::send(fd, flow.bytes.data() + flow.begin, flow.end - flow.begin, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    flow.begin += static_cast<std::size_t>(sent);
  }
  if (flow.read_ended && !flow.wants_to_write() && !flow.write_ended) {
    flow.write_ended = true;
    ::shutdown(fd, SHUT_WR);
  }
  return true;
}

struct Connection {
  UniqueFd peer, server;
  Flow up, down;

  pollfd poll_peer() const { return ask(peer.get(), up, down); }
  pollfd poll_server() const { return ask(server.get(), down, up); }
  /// False at its end.
  bool step(short peer_events, short server_events) {
    if ((peer_events & (POLLIN | POLLHUP | POLLERR)) && up.wants_to_read() && !read_into(up, peer.get()))
      return false;
    if ((server_events & (POLLIN | POLLHUP | POLLERR)) && down.wants_to_read() &&
        !read_into(down, server.get()))
      return false;
    if (!write_from(up, server.get()) || !write_from(down, peer.get())) return false;
    return !(up.write_ended && down.write_ended);
  }

 private:
  static pollfd ask(int fd, const Flow& from_it, const Flow& to_it) {
    const int events = (from_it.wants_to_read() ? POLLIN : 0) | (to_it.wants_to_write() ? POLLOUT : 0);
    return {events ? fd : -1, static_cast<short>(events), 0};
  }
};

UniqueFd connect_to(const std::string& target) {
  const auto colon = target.rfind(':');
  if (colon == target.npos) return {};
  const auto address = to_address(target.substr(0, colon), std::atoi(target.c_str() + colon + 1));
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!address || !fd) return {};
  // The server is on this machine: it takes the connection at once or refuses it.
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) return {};
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

}  // namespace

Result<std::unique_ptr<Relay>> Relay::start(const std::string& address, RelayTarget target, int port) {
  const auto place = to_address(address, port);
  if (!place) return Error(ErrorKind::kInvalid, "no IPv4 address: " + address);
  std::unique_ptr<Relay> relay(new Relay);
  relay->listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  relay->wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  auto bound = *place;
  socklen_t length = sizeof bound;
  const int yes = 1;  // connections of a runner before us may linger
  ::setsockopt(relay->listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (!relay->listener_ || !relay->wake_ ||
      ::bind(relay->listener_.get(), reinterpret_cast<const sockaddr*>(&bound), length) != 0 ||
      ::listen(relay->listener_.get(), 64) != 0 ||
      ::getsockname(relay->listener_.get(), reinterpret_cast<sockaddr*>(&bound), &length) != 0)
    return Error::last("listening on " + address);
  relay->port_ = ntohs(bound.sin_port);
  relay->target_ = std::move(target);
  relay->thread_ = std::thread([raw = relay.get()] { raw->run(); });
  return relay;
}

std::unique_ptr<Relay> Relay::over(UniqueFd listener, RelayTarget target) {
  std::unique_ptr<Relay> relay(new Relay);
  relay->listener_ = std::move(listener);
  relay->wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  relay->target_ = std::move(target);
  relay->thread_ = std::thread([raw = relay.get()] { raw->run(); });
  return relay;
}

Relay::~Relay() {
  ending_ = true;
  ::eventfd_write(wake_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void Relay::allow(const std::string& peer) {
  if (const auto address = to_address(peer, 0)) allowed_ = address->sin_addr.s_addr;
  ::eventfd_write(wake_.get(), 1);
}

void Relay::run() {
  std::list<Connection> connections;
  std::vector<pollfd> fds;
  while (!ending_) {
    const bool open = allowed_ != 0 && connections.size() < kMostConnections;
    fds = {{wake_.get(), POLLIN, 0}, {open ? listener_.get() : -1, POLLIN, 0}};
    for (const auto& connection : connections) {
      fds.push_back(connection.poll_peer());
      fds.push_back(connection.poll_server());
    }
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    std::size_t at = 2;
    for (auto connection = connections.begin(); connection != connections.end(); at += 2)
      connection = connection->step(fds[at].revents, fds[at + 1].revents) ? std::next(connection)
                                                                          : connections.erase(connection);
    eventfd_t told = 0;
    if (fds[0].revents) ::eventfd_read(wake_.get(), &told);
    if (!fds[1].revents) continue;
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    UniqueFd fd(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_CLOEXEC));
    if (!fd || peer.sin_addr.s_addr != allowed_) continue;
    if (auto server = connect_to(target_()))
      connections.push_back({std::move(fd), std::move(server), {}, {}});
  }
}

}  // namespace sagelet::runner
