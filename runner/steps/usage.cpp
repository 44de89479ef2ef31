#include "runner/steps/usage.hpp"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

#include "runner/sandbox/process_tree.hpp"

namespace sagelet::runner {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

TreeUse use_of_tree(pid_t root, const fs::path& proc) {
  TreeUse sum;
  for (const TreeProcess& process : process_tree(root, proc)) {
    sum.cpu_seconds += process.cpu_seconds;
    sum.memory += process.memory;
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
