#include <signal.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "runner/sandbox/memory_group.hpp"
#include "runner/sandbox/memory_limit.hpp"
#include "runner/sandbox/memory_watch.hpp"
#include "runner/sandbox/process_tree.hpp"

namespace sagelet::runner {
namespace {

using namespace std::chrono_literals;

/// A shell that starts `program` of the machine's Python and tells how it ended.
Result<Child> shell_around(const std::string& program) {
  return Child::start({.argv = {"sh", "-c", "python3 -c \"$1\"; exit $?", "sh", program},
                       .environment = {},
                       .working_folder = {},
                       .inherited_fds = {},
                       .new_session = true});
}

TEST(MemoryWatch, KillsTheLargestBelowTheRootAndNotTheRoot) {
  auto shell =
      shell_around("import time\nhog = []\nwhile True: hog.append(bytearray(8 << 20)); time.sleep(0.002)");
  ASSERT_TRUE(shell);
  MemoryWatch watch;
  watch.start(shell->pid(), 256u << 20);
  const auto ended = shell->wait(60s);
  ASSERT_TRUE(ended) << "nobody was killed";
  EXPECT_EQ(ended->code, 137);
  EXPECT_EQ(ended->signal, 0) << "the shell itself was killed";
  EXPECT_EQ(watch.kills(), 1u);
}

TEST(MemoryWatch, MemoryThatProcessesShareCountsOnce) {
  auto shell = shell_around(
      "import os, time\nhog = bytearray(b'x') * (160 << 20)\nchildren = []\n"
      "for _ in range(3):\n  pid = os.fork()\n  if pid == 0: time.sleep(1); os._exit(0)\n  "
      "children.append(pid)\n"
      "for pid in children: assert os.waitpid(pid, 0)[1] == 0");
  ASSERT_TRUE(shell);
  MemoryWatch watch;
  watch.start(shell->pid(), 420u << 20);  // of 640 that the four seem to have
  const auto ended = shell->wait(60s);
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->ok()) << ended->code;
  EXPECT_EQ(watch.kills(), 0u);
}

TEST(MemoryWatch, LooksAgainBeforeTheRoomCouldBeUsedUp) {
  EXPECT_EQ(MemoryWatch::pause_after(0, 16ull << 30), 1s);
  EXPECT_EQ(MemoryWatch::pause_after(15ull << 30, 16ull << 30), 250ms);
  EXPECT_EQ(MemoryWatch::pause_after(16ull << 30, 16ull << 30), 50ms);
}

TEST(MemoryGroup, GoesBesideOurOwnGroupWhereThatHoldsProcesses) {
  const auto folder = TempFolder::make(fs::temp_directory_path(), "cgroup-");
  const fs::path proc = folder->path() / "proc", tree = folder->path() / "fs";
  ASSERT_TRUE(make_folders(proc / "self"));
  ASSERT_TRUE(make_folders(tree / "user/app/own"));
  for (const char* group : {"user", "user/app", "user/app/own"}) {
    ASSERT_TRUE(write_file(tree / group / "cgroup.procs", ""));
    ASSERT_TRUE(write_file(tree / group / "cgroup.controllers", "memory pids\n"));
    ASSERT_TRUE(write_file(tree / group / "cgroup.subtree_control",
                           group == std::string("user/app/own") ? "" : "memory pids\n"));
  }
  ASSERT_TRUE(write_file(proc / "self/cgroup", "0::/user/app/own\n"));
  ASSERT_TRUE(
      write_file(proc / "self/mountinfo", "1 2 0:1 / " + tree.string() + " rw - cgroup2 cgroup2 rw\n"));
  const auto parent = MemoryGroup::parent(proc);
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->folder, tree / "user/app");
}

TEST(MemoryLimit, TheProcessIsInItsGroupOnceTheLimitIsInForce) {
  if (!MemoryGroup::parent()) GTEST_SKIP() << "this machine has no memory control group we can use";
  const auto folder = TempFolder::make(fs::temp_directory_path(), "limit-");
  auto shell = shell_around("import time; time.sleep(60)");
  ASSERT_TRUE(shell);
  MemoryLimit limit;
  limit.in_force();  // nothing to wait for
  const auto name = "sagelet-limit-test-" + std::to_string(::getpid());
  limit.set(name, 1u << 30, shell->pid(), folder->path() / "note");
  limit.in_force();
  const auto groups = read_file("/proc/" + std::to_string(shell->pid()) + "/cgroup");
  const auto note = read_file(folder->path() / "note");
  for (const auto& process : process_tree(shell->pid())) ::kill(process.pid, SIGKILL);
  ASSERT_TRUE(shell->wait(30s));
  ASSERT_TRUE(groups && note);
  EXPECT_TRUE(note->ends_with("/" + name)) << *note;
  EXPECT_NE(groups->find("/" + name), std::string::npos) << *groups;
  EXPECT_EQ(limit.kills(), 0u);
}

TEST(ProcessTree, HoldsTheRootAndAllBelowIt) {
  auto shell = shell_around("import time; time.sleep(60)");
  ASSERT_TRUE(shell);
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (process_tree(shell->pid()).size() < 2 && std::chrono::steady_clock::now() < until) ::usleep(1000);
  const auto tree = process_tree(shell->pid());
  ASSERT_GE(tree.size(), 2u);
  EXPECT_EQ(tree[0].pid, shell->pid());
  EXPECT_EQ(tree[1].parent, shell->pid());
  EXPECT_GT(tree[0].memory, 0u);
  EXPECT_TRUE(process_tree(0).empty());
  for (const auto& process : tree) ::kill(process.pid, SIGKILL);
}

}  // namespace
}  // namespace sagelet::runner
