#include "client/docker_orphans.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>
#include <thread>

#include "base/child.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"

namespace sagelet::client {
namespace {

using namespace std::chrono_literals;

constexpr auto kGrace = 1s;
constexpr auto kLook = 50ms;
constexpr std::size_t kIdLength = 64;

/// containerd-shim-runc-v2 -namespace moby -id <container> -address ...
bool is_shim_of(std::string_view command, const std::string& id) {
  const auto program = command.substr(0, command.find('\0'));
  return program.find("containerd-shim") != program.npos &&
         command.find(std::string_view("\0-id\0", 5)) != command.npos && command.find(id) != command.npos;
}

bool belongs_to(const std::string& process, const std::string& id) {
  const auto command = read_file(process + "/cmdline", 1u << 16);
  if (command && is_shim_of(*command, id)) return true;
  const auto groups = read_file(process + "/cgroup", 1u << 16);
  return groups && groups->find("/" + id) != groups->npos;
}

std::vector<ProcessId> processes_of(const std::vector<std::string>& ids) {
  std::vector<ProcessId> found;
  std::error_code failed;
  for (auto entry = fs::directory_iterator("/proc", failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    const std::string name = entry->path().filename();
    pid_t pid = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (read.ec != std::errc() || read.ptr != name.data() + name.size()) continue;
    const auto process = ProcessId::of(pid);  // before the look: a pid given anew in between is not signalled
    if (process && std::ranges::any_of(ids, [&](const auto& id) { return belongs_to(entry->path(), id); }))
      found.push_back(*process);
  }
  return found;
}

/// Their control groups: <id>, or docker-<id>.scope.
std::vector<fs::path> groups_of(const std::vector<std::string>& ids) {
  std::vector<fs::path> found;
  std::error_code failed;
  for (auto entry = fs::recursive_directory_iterator("/sys/fs/cgroup",
                                                     fs::directory_options::skip_permission_denied, failed);
       !failed && entry != fs::recursive_directory_iterator(); entry.increment(failed)) {
    const std::string name = entry->path().filename();
    if (name.size() >= kIdLength &&
        std::ranges::any_of(ids, [&](const auto& id) { return name.find(id) != name.npos; }))
      found.push_back(entry->path());
  }
  return found;
}

/// Waits for `left` to give nothing; gives what is left after a second.
template <class Left>
auto after_grace(Left left) {
  auto found = left();
  for (auto waited = 0ms; !found.empty() && waited < kGrace; waited += kLook) {
    std::this_thread::sleep_for(kLook);
    found = left();
  }
  return found;
}

}  // namespace

void end_orphans(const std::vector<std::string>& container_ids) {
  if (container_ids.empty()) return;
  const auto left = after_grace([&] { return processes_of(container_ids); });
  if (!left.empty())
    log::warn("{} processes of containers that the engine has forgotten are ended", left.size());
  for (const auto& process : left) process.signal(SIGKILL);
  (void)after_grace([&] {
    auto groups = groups_of(container_ids);
    for (const auto& group : groups) ::rmdir(group.c_str());  // refused until its processes are gone
    return groups;
  });
}

}  // namespace sagelet::client
