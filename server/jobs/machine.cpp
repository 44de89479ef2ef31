#include "server/jobs/machine.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/fs.hpp"

namespace sagelet::jobs {

namespace {

constexpr auto kLimitFiles = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};

enum Found { kRoot, kUser, kLink, kFolder };

/// In a child with one thread: only system calls.
[[noreturn]] void probe_and_exit() {
  constexpr int kSpaces = CLONE_NEWNS | CLONE_NEWPID;
  const auto private_mounts = [] { return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0; };
  if (::unshare(kSpaces) == 0 && private_mounts()) ::_exit(kRoot);
  if (::unshare(CLONE_NEWUSER | kSpaces) == 0 && private_mounts()) ::_exit(kUser);
  char target[8];
  const bool is_link = ::readlink("/opt/ml", target, sizeof target) >= 0;
  const bool missing = ::access("/opt/ml", F_OK) != 0;
  ::_exit((is_link || missing) && ::access("/opt", W_OK) == 0 ? kLink : kFolder);
}

int found_by_probe() {
  const pid_t pid = ::fork();
  if (pid == 0) probe_and_exit();
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return kFolder;
  return WEXITSTATUS(status);
}

}  // namespace

std::uint64_t machine_memory() {
  auto memory = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const char* file : kLimitFiles) {
    const auto text = read_file(file, 4096);
    std::uint64_t limit = 0;
    if (text && std::from_chars(text->data(), text->data() + text->size(), limit).ec == std::errc())
      memory = std::min(memory, limit);
  }
  return memory;
}

SandboxProbe probe_sandbox() {
  switch (found_by_probe()) {
    case kRoot:
      return {"namespaces (root)", {}};
    case kUser:
      return {"user namespaces", {}};
    case kLink:
      return {"link under a lock",
              {"No namespaces are to be had here: /opt/ml becomes a link to the running job's folder, so one "
               "job runs at a "
               "time. In docker, start the container with --cap-add SYS_ADMIN to run more."}};
    default:
      return {"base folder",
              {"Neither namespaces nor /opt/ml are to be had here: jobs find their folders by "
               "SAGEMAKER_BASE_DIR and SM_*, "
               "a script that has /opt/ml written into it fails. Run as root once: mkdir -p /opt && chown "
               "$USER /opt"}};
  }
}

}  // namespace sagelet::jobs
