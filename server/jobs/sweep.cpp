#include "server/jobs/sweep.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/fs.hpp"
#include "base/log.hpp"

namespace sagelet::jobs {

namespace {

constexpr int kRounds = 50;
constexpr int kWaitMillis = 100;  // a round's, for what was killed to be gone

pid_t to_pid(const std::string& name) {
  pid_t pid = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
  return read.ec == std::errc() && read.ptr == name.data() + name.size() ? pid : 0;
}

bool carries_mark(pid_t pid, const std::vector<std::string>& marks) {
  const auto environment = read_file("/proc/" + std::to_string(pid) + "/environ", 4u << 20);
  if (!environment) return false;
  const std::string framed = '\0' + *environment + '\0';
  return std::ranges::any_of(marks,
                             [&](const std::string& mark) { return framed.find(mark) != std::string::npos; });
}

void wait_until_gone(const ProcessId& process) {
  const auto fd = open_pidfd(process.pid);
  if (!fd) return;
  pollfd waited{fd.get(), POLLIN, 0};
  (void)::poll(&waited, 1, kWaitMillis);
}

}  // namespace

UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

std::vector<ProcessId> marked_processes(const std::vector<std::string>& job_ids) {
  std::vector<std::string> marks;
  for (const auto& id : job_ids) marks.push_back('\0' + std::string(kJobMark) + id + '\0');
  std::vector<ProcessId> found;
  std::error_code failed;
  for (auto entry = fs::directory_iterator("/proc", failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    const pid_t pid = to_pid(entry->path().filename().native());
    if (pid == 0 || pid == ::getpid()) continue;
    const auto process = ProcessId::of(pid);  // before the look: a pid given anew in between is not signalled
    if (process && carries_mark(pid, marks)) found.push_back(*process);
  }
  return found;
}

void sweep(const std::vector<std::string>& job_ids) {
  if (job_ids.empty()) return;
  for (int round = 0; round < kRounds; ++round) {
    const auto left = marked_processes(job_ids);
    if (left.empty()) return;
    for (const auto& process : left) process.signal(SIGKILL);
    for (const auto& process : left) wait_until_gone(process);
  }
  log::warn("processes of jobs could not be killed: {}", marked_processes(job_ids).size());
}

}  // namespace sagelet::jobs
