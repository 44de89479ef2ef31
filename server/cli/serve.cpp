#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/child.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/environment.hpp"
#include "server/cli/exec_parent.hpp"

namespace sagelet::cli {

namespace {

/// A server must not take itself for the proxy it reaches the world by, nor hand on to its jobs what was made
/// for its clients: so it sees the environment from before any `sagelet env`, and the true proxy in
/// SAGELET_UPSTREAM_PROXY.
void see_the_environment_of_before() {
  const auto now = environment_of_process();
  auto changes = undo(now);
  const auto upstream = upstream_proxy(before(now), "");
  if (!upstream.empty()) changes["SAGELET_UPSTREAM_PROXY"] = upstream;
  for (const auto& [name, value] : changes) {
    if (value) {
      ::setenv(name.c_str(), value->c_str(), 1);
    } else {
      ::unsetenv(name.c_str());
    }
  }
}

/// The server of an `exec` that is killed goes too. exec has one thread, so its death is what the signal
/// means.
void end_with_parent() {
  const char* parent = std::getenv(kExecParent);
  if (parent == nullptr) return;
  const auto pid = static_cast<pid_t>(std::atoi(parent));
  ::unsetenv(kExecParent);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != pid) ::raise(SIGTERM);  // it was gone before we asked
}

}  // namespace

int serve(Config config, const ServeHook& hook) {
  see_the_environment_of_before();
  end_with_parent();
  return hook(config);
}

}  // namespace sagelet::cli
