#pragma once
// The network that the hosts of one job share: made by the first runner that wants it, removed by the last.
#include "client/docker.hpp"
#include "runner/spec.hpp"

namespace sagelet::runner {

/// Finds or makes it. The engine would make two of one name, so runners of this machine take turns by a lock.
Result<client::NetworkInfo> shared_network(client::Engine& engine, const JobSpec& spec);
/// The host's address on it: what the engine says, else that of its bridge; empty when it has none.
std::string host_address(const client::NetworkInfo& network);
/// Removes it, unless a container uses it still. A host that starts later makes it again.
void leave_network(client::Engine& engine, const JobSpec& spec);

}  // namespace sagelet::runner
