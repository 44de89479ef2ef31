#include "runner/steps/usage.hpp"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "base/child.hpp"
#include "runner/sandbox/process_tree.hpp"

namespace sagelet::runner {
namespace {

constexpr std::chrono::seconds kLongestLookAtGpus{5};

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

TreeUse use_of_process(pid_t root, const fs::path& proc) {
  const auto process = process_alone(root, proc);
  return process ? TreeUse{process->cpu_seconds, process->memory} : TreeUse();
}

std::optional<GpuUse> gpu_use_in(std::string_view lines) {
  GpuUse sum;
  std::istringstream text{std::string(lines)};
  int gpus = 0;
  for (std::string line; std::getline(text, line); ++gpus) {
    std::istringstream fields(line);
    double busy = 0, used = 0, total = 0;
    char comma = 0, other = 0;
    if (!(fields >> busy >> comma >> used >> other >> total) || comma != ',' || other != ',' || !(total > 0))
      return std::nullopt;
    sum.busy += busy;
    sum.memory += 100 * used / total;
  }
  return gpus == 0 ? std::nullopt : std::optional(sum);
}

namespace {

/// nullopt: no GPU, no driver, no such program.
std::optional<GpuUse> look_at_gpus() {
  auto pipe = make_pipe();
  if (!pipe) return std::nullopt;
  auto child = Child::start({.argv = {"nvidia-smi", "--query-gpu=utilization.gpu,memory.used,memory.total",
                                      "--format=csv,noheader,nounits"},
                             .environment = {},
                             .working_folder = {},
                             .stdout_fd = pipe->write.get(),
                             .inherited_fds = {}});
  pipe->write.reset();
  if (!child) return std::nullopt;
  const auto ended = child->wait(kLongestLookAtGpus);  // a driver may hang; its few lines fit into the pipe
  if (!ended || !ended->ok()) return std::nullopt;
  std::string text(4096, '\0');
  const auto got = read_some(pipe->read.get(), text);
  return got ? gpu_use_in(std::string_view(text).substr(0, *got)) : std::nullopt;
}

}  // namespace

Usage::Usage(UsageOf of, fs::path folder, std::uint64_t memory)
    : of_(std::move(of)),
      folder_(std::move(folder)),
      memory_(memory != 0 ? memory
                          : static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                                static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))),
      last_time_(std::chrono::steady_clock::now()) {}

void Usage::add_processes(std::vector<MetricValue>& values, std::int64_t now_ms) {
  const pid_t root = of_.root();
  if (root == 0) return;
  TreeUse use = program_runs_ ? use_of_tree(root) : use_of_process(root);
  if (use.memory == 0 && !of_.reaped_by_us) return;  // it has ended, and what it used went with it
  if (of_.reaped_by_us) {
    rusage ended{};
    ::getrusage(RUSAGE_CHILDREN, &ended);
    use.cpu_seconds += seconds_of(ended.ru_utime) + seconds_of(ended.ru_stime);
    if (use.memory == 0 && peak_ == 0) use.memory = static_cast<std::uint64_t>(ended.ru_maxrss) * 1024;
  }
  peak_ = std::max(peak_, use.memory);
  const auto now = std::chrono::steady_clock::now();
  const double passed = std::max(1e-3, std::chrono::duration<double>(now - last_time_).count());
  const auto memory = static_cast<double>(use.memory != 0 ? use.memory : peak_);
  values.push_back({"CPUUtilization", std::max(0.0, use.cpu_seconds - last_cpu_) / passed * 100, now_ms});
  values.push_back({"MemoryUtilization", 100.0 * memory / static_cast<double>(memory_), now_ms});
  last_time_ = now;
  last_cpu_ = use.cpu_seconds;
}

std::vector<MetricValue> Usage::sample() {
  const auto now_ms = to_millis(SystemClock().now());
  std::vector<MetricValue> values;
  add_processes(values, now_ms);
  struct statvfs disk {};
  if (::statvfs(folder_.c_str(), &disk) == 0 && disk.f_blocks > 0)
    values.push_back(
        {"DiskUtilization",
         100.0 * static_cast<double>(disk.f_blocks - disk.f_bavail) / static_cast<double>(disk.f_blocks),
         now_ms});
  const auto gpus = of_.gpus > 0 ? look_at_gpus() : std::nullopt;
  if (gpus) {
    values.push_back({"GPUUtilization", gpus->busy, now_ms});
    values.push_back({"GPUMemoryUtilization", gpus->memory, now_ms});
  }
  return values;
}

}  // namespace sagelet::runner
