#pragma once
// The few requests to the kernel's routing tables that a private network needs.
#include <cstdint>
#include <string>

#include "base/fd.hpp"

namespace sagelet::runner {

/// Of the network namespace in which it was opened. Names are looked up in the calling thread's, so call it
/// from that one.
class Netlink {
 public:
  static Result<Netlink> open();

  Status add_bridge(const std::string& name);
  /// A pair: `name` here and eth0 in the namespace that `peer_network` is open on.
  Status add_pair(const std::string& name, int peer_network);
  Status set_up(const std::string& name);
  Status attach(const std::string& name, const std::string& bridge);
  Status add_address(const std::string& name, const std::string& address, unsigned prefix);

 private:
  class Message;
  explicit Netlink(UniqueFd socket) : socket_(std::move(socket)) {}
  Status send(Message& message, const std::string& what);

  UniqueFd socket_;
  std::uint32_t sequence_ = 0;
};

}  // namespace sagelet::runner
