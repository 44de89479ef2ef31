#include "runner/steps/usage.hpp"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <sstream>

namespace sagelet::runner {
namespace {

struct Process {
  pid_t parent = 0;
  TreeUse use;
};

/// Of /proc/<pid>/stat; the name in brackets may hold anything, so the fields are counted behind the last
/// bracket.
bool read_process(const fs::path& folder, Process& out) {
  const auto text = read_file(folder / "stat", 4096);
  if (!text) return false;
  const auto end = text->rfind(')');
  if (end == std::string::npos) return false;
  std::istringstream fields(text->substr(end + 1));
  std::string state, skipped;
  double times[4] = {};
  long long pages = 0;
  fields >> state >> out.parent;
  for (int i = 5; i <= 13; ++i) fields >> skipped;
  for (double& time : times) fields >> time;
  for (int i = 18; i <= 23; ++i) fields >> skipped;
  fields >> pages;
  if (!fields) return false;
  static const auto tick = static_cast<double>(::sysconf(_SC_CLK_TCK));
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  out.use.cpu_seconds = (times[0] + times[1] + times[2] + times[3]) / tick;
  out.use.memory = static_cast<std::uint64_t>(std::max(0LL, pages)) * page;
  return true;
}

std::map<pid_t, Process> all_processes(const fs::path& proc) {
  std::map<pid_t, Process> processes;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(proc, error)) {
    const std::string name = entry.path().filename();
    if (!std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c) != 0; })) continue;
    if (Process process; read_process(entry.path(), process)) processes[std::stoi(name)] = process;
  }
  return processes;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

TreeUse use_of_tree(pid_t root, const fs::path& proc) {
  const auto processes = all_processes(proc);
  TreeUse sum;
  std::vector<pid_t> open{root};
  std::set<pid_t> seen;
  while (!open.empty()) {
    const pid_t pid = open.back();
    open.pop_back();
    const auto found = processes.find(pid);
    if (found == processes.end() || !seen.insert(pid).second) continue;
    sum.cpu_seconds += found->second.use.cpu_seconds;
    sum.memory += found->second.use.memory;
    for (const auto& [child, process] : processes)
      if (process.parent == pid) open.push_back(child);
  }
  return sum;
}

Usage::Usage(pid_t root, fs::path folder, std::uint64_t memory)
    : root_(root),
      folder_(std::move(folder)),
      memory_(memory != 0 ? memory
                          : static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                                static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))),
      last_time_(std::chrono::steady_clock::now()) {}

std::vector<MetricValue> Usage::sample() {
  const auto now_ms = to_millis(SystemClock().now());
  std::vector<MetricValue> values;
  if (root_ != 0) {
    TreeUse use = use_of_tree(root_);
    rusage ended{};  // what is left of a tree that is gone
    ::getrusage(RUSAGE_CHILDREN, &ended);
    use.cpu_seconds += seconds_of(ended.ru_utime) + seconds_of(ended.ru_stime);
    if (use.memory == 0 && peak_ == 0) use.memory = static_cast<std::uint64_t>(ended.ru_maxrss) * 1024;
    peak_ = std::max(peak_, use.memory);
    const auto now = std::chrono::steady_clock::now();
    const double passed = std::max(1e-3, std::chrono::duration<double>(now - last_time_).count());
    values.push_back({"CPUUtilization", std::max(0.0, use.cpu_seconds - last_cpu_) / passed * 100, now_ms});
    values.push_back(
        {"MemoryUtilization",
         100.0 * static_cast<double>(use.memory != 0 ? use.memory : peak_) / static_cast<double>(memory_),
         now_ms});
    last_time_ = now;
    last_cpu_ = use.cpu_seconds;
  }
  struct statvfs disk {};
  if (::statvfs(folder_.c_str(), &disk) == 0 && disk.f_blocks > 0)
    values.push_back(
        {"DiskUtilization",
         100.0 * static_cast<double>(disk.f_blocks - disk.f_bavail) / static_cast<double>(disk.f_blocks),
         now_ms});
  return values;
}

}  // namespace sagelet::runner
