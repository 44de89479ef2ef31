#include "runner/sandbox/docker/network.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "runner/sandbox/docker/settings.hpp"

namespace sagelet::runner {
namespace {

/// Held until it is closed, whatever becomes of us.
Result<UniqueFd> take_turn() {
  TRY(UniqueFd fd, open_file("/proc/self/exe", O_RDONLY));  // the same file for all of us, and it stays
  while (::flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return Error::last("taking turns");
  return fd;
}

/// Its first IPv4 address, as text.
std::string address_of(const std::string& interface) {
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!any || ::ioctl(any.get(), SIOCGIFADDR, &request) != 0) return {};
  sockaddr_in address{};
  std::memcpy(&address, &request.ifr_addr, sizeof address);
  char text[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  return text;
}

}  // namespace

std::string host_address(const client::NetworkInfo& network) {
  return network.gateway.empty() && !network.bridge.empty() ? address_of(network.bridge) : network.gateway;
}

Result<client::NetworkInfo> shared_network(client::Engine& engine, const JobSpec& spec) {
  TRY(const UniqueFd turn, take_turn());
  const auto name = engine_name(spec, true);
  auto found = engine.network(name);
  if (found || !found.error().is(ErrorKind::kNotFound)) return found;
  return engine.create_network(name, job_label(spec.job_id), spec.network_isolation);
}

void leave_network(client::Engine& engine, const JobSpec& spec) {
  const auto turn = take_turn();
  if (!turn) return;
  if (const Status done = engine.remove_network(engine_name(spec, true)); !done)
    log::info("the network stays: {}", done.error().message());
}

}  // namespace sagelet::runner
