#include "runner/steps/usage.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>

namespace sagelet::runner {
namespace {

using namespace std::chrono_literals;

std::map<std::string, double> by_name(const std::vector<MetricValue>& values) {
  std::map<std::string, double> out;
  for (const MetricValue& value : values) out[value.name] = value.value;
  return out;
}

/// A process like those in /proc: 3 s of CPU, 1000 pages.
void put_process(const fs::path& proc, int pid, int parent, const std::string& name = "a) b (c") {
  const fs::path folder = proc / std::to_string(pid);
  ASSERT_TRUE(make_folders(folder));
  const auto ticks = std::to_string(::sysconf(_SC_CLK_TCK));
  ASSERT_TRUE(write_file(folder / "stat", std::to_string(pid) + " (" + name + ") S " +
                                              std::to_string(parent) + " 1 1 0 -1 4194560 100 0 0 0 " +
                                              ticks + " " + ticks + " " + ticks +
                                              " 0 20 0 1 0 100 1000000 1000 18446744073709551615"));
}

TEST(Usage, ATreeIsTheRootAndAllBelowIt) {
  const auto folder = TempFolder::make(fs::temp_directory_path(), "usage-");
  put_process(folder->path(), 10, 1);
  put_process(folder->path(), 11, 10);
  put_process(folder->path(), 12, 11);
  put_process(folder->path(), 20, 1);
  const TreeUse use = use_of_tree(10, folder->path());
  EXPECT_DOUBLE_EQ(use.cpu_seconds, 9);
  EXPECT_EQ(use.memory, 3000u * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(use_of_tree(99, folder->path()).memory, 0u);
  EXPECT_DOUBLE_EQ(use_of_process(10, folder->path()).cpu_seconds, 3);
  EXPECT_EQ(use_of_process(99, folder->path()).memory, 0u);
}

TEST(Usage, ABusyProcessIsACoreAndItsMemoryAShare) {
  const pid_t busy = ::fork();
  if (busy == 0)
    for (std::atomic<int> turns{0};;) ++turns;
  const auto began = std::chrono::steady_clock::now();
  Usage usage({.root = [busy] { return busy; }}, "/", 1u << 30);
  while (use_of_process(busy).cpu_seconds < 0.1 && std::chrono::steady_clock::now() < began + 30s)
    ::usleep(10'000);
  const auto values = by_name(usage.sample());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  ::kill(busy, SIGKILL);
  ::waitpid(busy, nullptr, 0);
  EXPECT_GE(values.at("CPUUtilization"), 100 * 0.099 / took.count());  // of a core, or of a part of one
  EXPECT_LT(values.at("CPUUtilization"), 130);
  EXPECT_GT(values.at("MemoryUtilization"), 0);
  EXPECT_LT(values.at("MemoryUtilization"), 50);
  EXPECT_GT(values.at("DiskUtilization"), 0);
  EXPECT_LE(values.at("DiskUtilization"), 100);
  EXPECT_EQ(by_name(usage.sample()).count("CPUUtilization"), 0u) << "figures of a process that is gone";
}

TEST(Usage, WhatIsBelowTheRootCountsWhileAProgramRuns) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t large = ::fork();
  if (large == 0) {
    const std::string held(128u << 20, 'x');
    [[maybe_unused]] const auto told = ::write(ready[1], held.data(), 1);
    ::pause();
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  Usage usage({.root = [] { return ::getpid(); }}, "/", 1u << 30);
  const auto alone = by_name(usage.sample()).at("MemoryUtilization");
  usage.program_runs(true);
  const auto together = by_name(usage.sample()).at("MemoryUtilization");
  usage.program_runs(false);
  const auto after = by_name(usage.sample()).at("MemoryUtilization");
  ::kill(large, SIGKILL);
  ::waitpid(large, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_GT(together, alone + 10);
  EXPECT_GT(together, after + 10);
  EXPECT_GT(after, 0);
}

TEST(Usage, WithoutProcessesOnlyTheDiskIsSeen) {
  Usage usage({.root = [] { return 0; }}, "/", 0);
  const auto values = by_name(usage.sample());
  EXPECT_EQ(values.size(), 1u);
  EXPECT_EQ(values.count("DiskUtilization"), 1u);
}

TEST(Usage, GpusAddUp) {
  const auto use = gpu_use_in("50, 1000, 4000\n100, 2000, 4000\n");
  ASSERT_TRUE(use);
  EXPECT_DOUBLE_EQ(use->busy, 150);
  EXPECT_DOUBLE_EQ(use->memory, 75);
  for (const char* other : {"", "No devices were found\n", "[N/A], 1, 2\n", "5, 1, 0\n", "5 1 2\n"})
    EXPECT_FALSE(gpu_use_in(other)) << other;
}

TEST(Usage, GpusAreSeenWhereTheProgramIs) {
  const auto folder = TempFolder::make(fs::temp_directory_path(), "gpu-");
  const fs::path program = folder->path() / "nvidia-smi";
  ASSERT_TRUE(write_file(program, "#!/bin/sh\necho '40, 100, 400'\n"));
  fs::permissions(program, fs::perms::owner_all);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", (folder->path().string() + ":" + path).c_str(), 1);
  Usage with({.root = [] { return 0; }, .gpus = 1}, "/", 0);
  Usage without({.root = [] { return 0; }}, "/", 0);
  const auto values = by_name(with.sample()), none = by_name(without.sample());
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(values.at("GPUUtilization"), 40);
  EXPECT_EQ(values.at("GPUMemoryUtilization"), 25);
  EXPECT_EQ(none.count("GPUUtilization"), 0u);
}

}  // namespace
}  // namespace sagelet::runner
