#include "runner/sandbox/memory_watch.hpp"

#include <signal.h>

#include <algorithm>

#include "base/log.hpp"
#include "runner/sandbox/process_tree.hpp"

namespace sagelet::runner {

namespace {

constexpr std::uint64_t kFastestGrowth = 4ull << 30;  ///< bytes a second that a few cores can touch
constexpr std::chrono::milliseconds kShortest{50}, kLongest{1000};

}  // namespace

void MemoryWatch::start(pid_t root, std::uint64_t bytes) {
  const auto id = ProcessId::of(root);
  if (!id || looks_.started()) return;
  root_ = *id;
  bytes_ = bytes;
  looks_.start([this] { return look(); });
}

std::chrono::milliseconds MemoryWatch::pause_after(std::uint64_t used, std::uint64_t bytes) {
  const std::uint64_t room = used < bytes ? bytes - used : 0;
  const std::chrono::milliseconds until_full(room / (kFastestGrowth / 1000));
  return std::clamp(until_full, kShortest, kLongest);
}

std::chrono::milliseconds MemoryWatch::look() {
  if (!root_.alive()) return kLongest;
  auto tree = process_tree(root_.pid);
  const auto sum = [&] {
    std::uint64_t used = 0;
    for (const TreeProcess& process : tree) used += process.memory;
    return used;
  };
  if (sum() <= bytes_) return pause_after(sum(), bytes_);
  // Twice: what a process shares with a child that is born between two readings counts in both.
  for (int pass = 0; pass < 2; ++pass) {
    tree = process_tree(root_.pid);
    for (TreeProcess& process : tree) process.memory = shared_fairly(process.pid, process.memory);
    if (sum() <= bytes_) return kShortest;
  }
  const auto going = [&](const TreeProcess& process) { return process.pid == victim_.pid && !process.dying; };
  if (std::ranges::any_of(tree, going) && victim_.alive()) return kShortest;  // what it held comes back first
  std::erase_if(tree, [&](const TreeProcess& process) { return process.pid == root_.pid || process.dying; });
  const auto largest = std::ranges::max_element(tree, {}, &TreeProcess::memory);
  const auto victim = largest == tree.end() ? std::nullopt : ProcessId::of(largest->pid);
  if (victim && victim->signal(SIGKILL)) {
    victim_ = *victim;
    ++kills_;
    log::warn("process {} killed: the job is over its {} bytes of memory", victim_.pid, bytes_);
  }
  return kShortest;
}

}  // namespace sagelet::runner
