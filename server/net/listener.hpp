#pragma once
// The listening sockets: plain system calls, so every descriptor is close-on-exec from birth.
#include <cstdint>
#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "server/http/message.hpp"

namespace sagelet::net {

/// Errors name the address and what to do about it. `for_nodes`: on an address that other machines can be
/// told.
Result<UniqueFd> listen_on(const std::string& host, std::uint16_t port, bool for_nodes = false);
std::uint16_t port_of(int socket);

struct Accepted {
  UniqueFd socket;
  http::Peer peer;
};
/// Non-blocking; kUnavailable when nobody waits, kNoSpace when descriptors have run out.
Result<Accepted> accept_from(int socket);

}  // namespace sagelet::net
