#pragma once
// Lets one container reach a server that listens on 127.0.0.1 only: a port on the address that the host has
// on the container's network, open to that container alone.
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/fd.hpp"

namespace sagelet::runner {

/// Who is relayed to; asked for each connection, since a server that is started again may have another port.
using RelayTarget = std::function<std::string()>;  ///< "127.0.0.1:4577"

/// A thread of its own; bytes pass both ways, half-closed connections too.
class Relay {
 public:
  /// Listens on that port of `address`, 0: a free one. kIo and kPermission: this machine does not have that
  /// address.
  static Result<std::unique_ptr<Relay>> start(const std::string& address, RelayTarget target, int port = 0);
  /// The same for a socket that listens already, in another network namespace maybe.
  static std::unique_ptr<Relay> over(UniqueFd listener, RelayTarget target);
  ~Relay();
  int port() const { return port_; }
  /// Connections wait until somebody is allowed; those of others are closed.
  void allow(const std::string& peer);

 private:
  Relay() = default;
  void run();

  UniqueFd listener_, wake_;
  RelayTarget target_;
  int port_ = 0;
  std::atomic<std::uint32_t> allowed_{0};  ///< an IPv4 address in network order; 0: nobody yet
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace sagelet::runner
