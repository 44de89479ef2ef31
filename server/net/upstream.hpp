#pragma once
// Connections to others, for the forward proxy: dialling, asking the next proxy, moving bytes both ways.
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "server/net/asio.hpp"
#include "server/net/channel.hpp"

namespace sagelet::net {

struct Destination {
  std::string host;  ///< lower case, without brackets
  std::uint16_t port = 0;
  std::string str() const;  ///< "host:port", "[::1]:80"
};

/// Tries every address of the name; gives up on each after ten seconds. The error says what failed, not for
/// whom. With a `visitor` (its socket), addresses that only this machine reaches are refused: kPermission.
Task<Result<std::unique_ptr<Channel>>> dial(Loop& loop, Destination to, int visitor = -1);

/// CONNECT through the proxy at the other end of `proxy`. What it sent behind its head stays in the channel.
Task<Status> ask_proxy(Channel& proxy, Destination to, std::string authorization);

struct Pumped {
  std::uint64_t bytes = 0;
  bool ended = false;  ///< `from` ended its stream properly
};
/// Moves bytes until `from` ends or one of both fails. Any progress moves both deadlines.
Task<Pumped> pump(Channel& from, Channel& to);

/// Both ways, until both ends have ended or one has failed. An end is passed on as an end of writing.
Task<void> relay(Channel& a, Channel& b);

}  // namespace sagelet::net
