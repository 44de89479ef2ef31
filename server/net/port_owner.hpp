#pragma once
// Who listens on a port of this machine, for an error message that helps.
#include <cstdint>
#include <string>

namespace sagelet::net {

/// "python3 (pid 1234)"; empty when it cannot be found out.
std::string port_owner(std::uint16_t port);

}  // namespace sagelet::net
