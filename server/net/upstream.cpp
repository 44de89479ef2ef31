#include "server/net/upstream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>

#include "server/net/addresses.hpp"
#include "server/net/loop.hpp"
#include "server/net/signal.hpp"

namespace sagelet::net {

namespace {

using asio::ip::tcp;
using Resolver = asio::ip::basic_resolver<tcp, Executor>;

constexpr std::chrono::seconds kDialTime{10};
constexpr std::size_t kHeadLimit = 16 * 1024;
constexpr std::size_t kPiece = 64 * 1024;

Error failed(std::string_view what, int error) {
  return {ErrorKind::kUnavailable, std::string(what) + std::strerror(error)};
}

int socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

Task<Result<std::unique_ptr<Channel>>> dial_address(Loop& loop, tcp::endpoint address) {
  UniqueFd fd(::socket(address.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) co_return failed("socket: ", errno);
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd.get(), address.data(), static_cast<socklen_t>(address.size())) != 0 &&
      errno != EINPROGRESS)
    co_return failed("connect: ", errno);
  auto channel = std::make_unique<Channel>(loop, std::move(fd));
  channel->set_deadline(loop.now() + kDialTime);
  const bool connected = co_await channel->wait_writable();
  if (!connected) co_return failed("connect: ", ETIMEDOUT);
  if (const int error = socket_error(channel->fd()); error != 0) co_return failed("connect: ", error);
  co_return channel;
}

/// 0 when it is not the head of an HTTP/1 answer.
int status_of(std::string_view head) {
  int status = 0;
  if (!head.starts_with("HTTP/1.") || head.size() < 12) return 0;
  std::from_chars(head.data() + 9, head.data() + 12, status);
  return status;
}

/// The head with its empty line, taken off the channel's input; empty when it does not come.
Task<std::string> read_head(Channel& channel) {
  for (;;) {
    const std::size_t end = channel.in().view().find("\r\n\r\n");
    if (end != std::string_view::npos) {
      std::string head(channel.in().view().substr(0, end + 4));
      channel.in().consume(end + 4);
      co_return head;
    }
    if (channel.in().size() > kHeadLimit) co_return std::string();
    const Fill got = co_await channel.fill(4096);
    if (got != Fill::kBytes) co_return std::string();
  }
}

Task<void> one_way(Channel& from, Channel& to) {
  const Pumped pumped = co_await pump(from, to);
  if (pumped.ended) {
    to.end_writing();
  } else {
    from.abort();
    to.abort();
  }
}

}  // namespace

std::string Destination::str() const {
  const bool bracketed = host.find(':') != std::string::npos;
  return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Task<Result<std::unique_ptr<Channel>>> dial(Loop& loop, Destination to, int visitor) {
  Resolver resolver(loop.executor());
  const std::string service = std::to_string(to.port);
  const auto [error, found] = co_await resolver.async_resolve(to.host, service, kAwaitError);
  if (error) co_return Error(ErrorKind::kUnavailable, "its name does not resolve: " + error.message());
  Result<std::unique_ptr<Channel>> last = Error(ErrorKind::kUnavailable, "its name has no address");
  for (const auto& entry : found) {
    const tcp::endpoint address = entry.endpoint();
    if (visitor >= 0 && is_only_ours(*address.data(), visitor)) {
      last = Error(ErrorKind::kPermission, text_of(*address.data()) + " is this machine's own");
      continue;
    }
    last = co_await dial_address(loop, address);
    if (last) break;
  }
  co_return last;
}

Task<Status> ask_proxy(Channel& proxy, Destination to, std::string authorization) {
  std::string request = "CONNECT " + to.str() + " HTTP/1.1\r\nHost: " + to.str() + "\r\n";
  if (!authorization.empty()) request += "Proxy-Authorization: " + authorization + "\r\n";
  request += "\r\n";
  proxy.set_deadline(proxy.loop().idle_deadline());
  const bool asked = co_await proxy.write(request);
  if (!asked) co_return Error(ErrorKind::kUnavailable, "it closed the connection");
  const std::string head = co_await read_head(proxy);
  const int status = status_of(head);
  if (status == 0) co_return Error(ErrorKind::kUnavailable, "it gave no proper answer to CONNECT");
  if (status / 100 != 2)
    co_return Error(ErrorKind::kUnavailable,
                    "it answered CONNECT with " + head.substr(9, head.find("\r\n") - 9));
  co_return Status();
}

Task<Pumped> pump(Channel& from, Channel& to) {
  Pumped pumped;
  for (;;) {
    if (!from.in().empty()) {
      const bool written = co_await to.write(from.in().view());
      if (!written) co_return pumped;
      pumped.bytes += from.in().size();
      from.in().consume(from.in().size());
      from.move_deadline();
      to.move_deadline();
    }
    const Fill fill = co_await from.fill(kPiece);
    pumped.ended = fill == Fill::kEnd;
    if (fill != Fill::kBytes) co_return pumped;
  }
}

Task<void> relay(Channel& a, Channel& b) {
  a.move_deadline();
  b.move_deadline();
  a.set_idle(true);
  b.set_idle(true);
  Signal back(a.loop().executor(), 1);
  auto ended = [&back](const std::exception_ptr&) { back.arrive(); };
  asio::co_spawn(a.loop().executor(), one_way(b, a), ended);
  co_await one_way(a, b);
  co_await back.wait();
}

}  // namespace sagelet::net
