#pragma once
// A network that the hosts of one job have to themselves: a network namespace each, joined by a bridge in one
// more.
//
// Nothing of it is on the machine's own network and nothing has to be cleaned up: it goes with the last
// descriptor and the last process in it.
#include <string>
#include <vector>

#include "base/fd.hpp"

namespace sagelet::runner {

/// Where one host is.
struct HostPlace {
  std::string address;  ///< of its eth0
  UniqueFd network;     ///< its network namespace, to be entered by setns
  UniqueFd door;        ///< listens in there at the server's own address: relay what comes
};

struct PrivateNetwork {
  std::vector<HostPlace> hosts;
  UniqueFd bridge;  ///< keeps the namespace of the bridge

  /// `server`: "127.0.0.1:4577"; empty: no way to it. Forks: call it while the process has one thread.
  /// kPermission: this process may not make network namespaces.
  static Result<PrivateNetwork> make(std::size_t count, const std::string& server);
};

/// From now on this process, and what it forks, has all rights over namespaces that it makes, and no more
/// rights over anything else. It must have one thread. Programs that it executes have lost them again.
Status enter_user_namespace();

/// In a fresh network namespace: loopback works.
Status bring_loopback_up();

}  // namespace sagelet::runner
