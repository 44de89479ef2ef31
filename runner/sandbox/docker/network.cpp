#include "runner/sandbox/docker/network.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

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

}  // namespace

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
