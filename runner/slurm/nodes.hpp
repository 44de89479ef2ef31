#pragma once
// Where a node of the cluster is, as the job's other nodes reach it.
#include <string>
#include <string_view>

namespace sagelet::runner {

/// NodeAddr in the answer to `scontrol show node NAME -o`; empty when there is none.
std::string node_address(std::string_view answer);

/// This node's own IPv4 address: what Slurm has as its NodeAddr. Where that name means loopback here (as
/// Debian's own host name does) while the node that called srun is elsewhere, or has a real address itself:
/// the address from which that one is reached. `caller` is SLURM_LAUNCH_NODE_IPADDR.
std::string own_address(const std::string& node, const std::string& caller);

/// The network interface that has this address; "lo" for all of 127.0.0.0/8, empty: none.
std::string interface_of(const std::string& address);

}  // namespace sagelet::runner
