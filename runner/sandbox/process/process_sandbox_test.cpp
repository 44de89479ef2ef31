// The contract that every way of confining a job keeps; run for each way that this machine allows.
#include "runner/sandbox/process/process_sandbox.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/child.hpp"
#include "base/fs.hpp"
#include "runner/sandbox/memory_group.hpp"
#include "runner/sandbox/process/kept_paths.hpp"
#include "runner/sandbox/process/wire.hpp"

namespace sagelet::runner {
namespace {

class SandboxTest : public testing::TestWithParam<Confinement> {
 protected:
  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "sandbox-");

  SandboxPlan plan() const {
    const std::string opt = (folder_.path() / "opt").string();
    EXPECT_TRUE(make_folders(opt));
    return {.folder = folder_.path().string(), .checkpoint_path = {}, .opt = opt, .only = GetParam()};
  }

  std::unique_ptr<ProcessSandbox> make() {
    auto sandbox = ProcessSandbox::make(plan());
    if (!sandbox) return nullptr;
    while (!*(*sandbox)->take_place()) ::usleep(10000);
    return std::move(*sandbox);
  }

  static Command shell(const std::string& line) {
    return {{"/bin/sh", "-c", line}, {"PATH=/usr/bin:/bin", "A=b"}, ""};
  }

  Ended run(ProcessSandbox& sandbox, const Command& command) {
    auto pipe = make_pipe();
    EXPECT_TRUE(sandbox.start(command, pipe->write.get(), pipe->write.get()));
    pipe->write.reset();
    const Ended ended = sandbox.ended();
    output_.clear();
    std::string buffer(4096, '\0');
    while (const auto got = read_some(pipe->read.get(), buffer).value_or(0)) output_.append(buffer, 0, got);
    return ended;
  }

  /// Processes whose command line holds `word`.
  static int count(const std::string& word) {
    int found = 0;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const auto line = read_file(entry.path() / "cmdline");
      found += line && line->find(word) != std::string::npos ? 1 : 0;
    }
    return found;
  }

  std::string output_;
};

TEST_P(SandboxTest, RunsACommandAndTellsItsExit) {
  const auto sandbox = make();
  if (!sandbox) GTEST_SKIP() << "this machine does not allow it";
  EXPECT_EQ(run(*sandbox, shell("echo $A; exit 3")).return_code(), 3);
  EXPECT_EQ(output_, "b\n");
  EXPECT_EQ(run(*sandbox, shell("kill -9 $$")).return_code(), -9);
  EXPECT_EQ(run(*sandbox, {{"/no/such"}, {}, ""}).exec_error, ENOENT);
  EXPECT_EQ(run(*sandbox, {{"sh", "-c", "exit 4"}, {"PATH=/bin"}, ""}).return_code(), 4);
}

TEST_P(SandboxTest, ShowsTheJobItsOwnTree) {
  const auto sandbox = make();
  if (!sandbox) GTEST_SKIP() << "this machine does not allow it";
  ASSERT_TRUE(write_file(folder_.path() / "ml/here", "yes"));
  EXPECT_EQ(run(*sandbox, shell("cat " + sandbox->base() + "/here && echo >" + sandbox->base() + "/made"))
                .return_code(),
            0);
  EXPECT_EQ(output_, "yes");
  EXPECT_TRUE(fs::exists(folder_.path() / "ml/made"));
}

TEST_P(SandboxTest, ItsTreeIsNotMountedOnAFolderThatSomebodyOutsideMayRemove) {
  const auto sandbox = make();
  if (!sandbox || sandbox->base() != "/opt/ml") GTEST_SKIP() << "this machine does not allow it";
  if (GetParam() == Confinement::kLink) GTEST_SKIP() << "it has no mounts";
  EXPECT_EQ(run(*sandbox, shell("stat -f -c %T /opt")).return_code(), 0);
  EXPECT_EQ(output_, "tmpfs\n");
}

TEST_P(SandboxTest, LeavesNoProcessBehindACommand) {
  const auto sandbox = make();
  if (!sandbox) GTEST_SKIP() << "this machine does not allow it";
  const std::string word = "60" + std::to_string(::getpid()) + std::to_string(static_cast<int>(GetParam()));
  EXPECT_EQ(run(*sandbox, shell("setsid sh -c 'sleep " + word + " & sleep " + word + "' & sleep 0.2"))
                .return_code(),
            0);
  EXPECT_EQ(count(word), 0);
}

TEST_P(SandboxTest, SignalsReachTheCommandsGroup) {
  const auto sandbox = make();
  if (!sandbox) GTEST_SKIP() << "this machine does not allow it";
  auto pipe = make_pipe();
  ASSERT_TRUE(sandbox->start(shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"),
                             pipe->write.get(), pipe->write.get()));
  std::string buffer(16, '\0');
  ASSERT_TRUE(read_some(pipe->read.get(), buffer));
  sandbox->signal(SIGTERM);
  EXPECT_EQ(sandbox->ended().return_code(), 7);
}

TEST_P(SandboxTest, NothingOutlivesARunnerThatIsKilled) {
  const std::string word = "70" + std::to_string(::getpid()) + std::to_string(static_cast<int>(GetParam()));
  const pid_t runner = ::fork();
  if (runner == 0) {
    auto sandbox = make();
    auto null = open_file("/dev/null", O_WRONLY);
    if (sandbox)
      (void)sandbox->start(shell("setsid sleep " + word + " & sleep " + word), null->get(), null->get());
    ::pause();
    ::_exit(0);
  }
  for (int i = 0; i < 200 && count(word) < 2; ++i) ::usleep(10000);
  const int before = count(word);
  ::kill(runner, SIGKILL);
  ::waitpid(runner, nullptr, 0);
  for (int i = 0; i < 100 && count(word) > 0; ++i) ::usleep(10000);
  EXPECT_EQ(count(word), 0) << "of " << before;
}

TEST_P(SandboxTest, NamesOfTheHostsResolveWhereThereAreMounts) {
  const auto sandbox = make();
  if (!sandbox) GTEST_SKIP() << "this machine does not allow it";
  if (!sandbox->has_mounts()) return;
  EXPECT_EQ(run(*sandbox, shell("grep -w algo-1 /etc/hosts && uname -n")).return_code(), 0);
  EXPECT_NE(output_.find("127.0.0.1 algo-1\nalgo-1\n"), std::string::npos) << output_;
}

TEST_P(SandboxTest, WhatIsTemporaryIsTheJobsOwnWhereThereAreMounts) {
  const std::string name = "scratch-" + std::to_string(::getpid());
  auto kept = TempFolder::make(fs::temp_directory_path(), "kept-");
  ASSERT_TRUE(kept && write_file(kept->path() / "file", "kept"));
  const std::string program = fs::read_symlink("/proc/self/exe").string();  // may not be written to
  auto with_kept = plan();
  with_kept.kept = {
      kept->path().string(), kept->path().string() + "-x", (kept->path() / "file").string(), program, program,
      "/tmp/not-there"};
  auto sandbox = ProcessSandbox::make(with_kept);
  if (!sandbox) GTEST_SKIP() << "this machine does not allow it";
  while (!*(*sandbox)->take_place()) ::usleep(10000);
  EXPECT_TRUE(fs::is_directory(folder_.path() / "tmp"));  // what TMPDIR names where there are none
  if (!(*sandbox)->has_mounts()) return;
  std::string line;
  for (const char* place : {"/tmp/", "/var/tmp/", "/dev/shm/"}) {
    ASSERT_TRUE(write_file(place + name + "-host", "the machine's"));
    line += "cat " + (place + name) + "-host 2>/dev/null; echo mine > " + (place + name) + "-job || exit 9; ";
  }
  const Ended ended = run(**sandbox, shell(line + "cat " + (kept->path() / "file").string() +
                                           "; stat -c ' %a' /tmp; ls " + folder_.path().string()));
  EXPECT_EQ(ended.return_code(), 0);
  EXPECT_TRUE(output_.starts_with("kept 1777\n")) << output_;
  EXPECT_NE(output_.find("\nml\n"), std::string::npos) << output_;  // its own folder, which is below /tmp
  for (const char* place : {"/tmp/", "/var/tmp/", "/dev/shm/"}) {
    EXPECT_FALSE(fs::exists(place + name + "-job"));
    fs::remove(place + name + "-host");
  }
  EXPECT_TRUE(fs::exists(folder_.path() / "tmp" / (name + "-job")));
  sandbox->reset();
  EXPECT_FALSE(fs::exists(folder_.path() / "tmp"));
  EXPECT_TRUE(fs::exists(kept->path() / "file")) << "what was brought back is not what is removed";
}

TEST(KeptPaths, AreWhatTheJobWasGivenByName) {
  auto folder = TempFolder::make("/tmp", "kept-");
  const std::string base = folder->path().string();
  ASSERT_TRUE(make_folders(base + "/venv/bin"));
  ASSERT_TRUE(make_folders(base + "/base/bin"));
  fs::create_symlink("../../base/bin/python", base + "/venv/bin/python");
  JobSpec spec;
  spec.python = base + "/venv/bin/python";
  spec.pip_cache = base + "/pip";
  spec.host_environment = {"HOME=/tmp", "PIP_FIND_LINKS=file://" + base + "/wheels https://x/y",
                           "TMPDIR=" + base + "/scratch"};
  spec.environment = {
      {"PIP_CERT", base + "/cert.pem"}, {"DATA", base + "/data"}, {"PATH", base + "/tools/bin:/bin"}};
  spec.channels.resize(2);
  spec.channels[0].file_system_path = "/tmp";
  const auto kept = kept_paths(spec);
  for (const char* path : {"/venv", "/base", "/pip", "/wheels", "/cert.pem", "/tools"})
    EXPECT_EQ(std::ranges::count(kept, base + path) > 0, true) << path;
  for (const char* path : {"/data", "/scratch", ""})
    EXPECT_EQ(std::ranges::count(kept, base + path), 0) << path;
  EXPECT_EQ(std::ranges::count(kept, "/tmp"), 1) << "a channel that is all of /tmp keeps it the machine's";
}

INSTANTIATE_TEST_SUITE_P(Ways, SandboxTest,
                         testing::Values(Confinement::kNamespaces, Confinement::kUserNamespaces,
                                         Confinement::kLink, Confinement::kBaseFolder),
                         [](const auto& way) {
                           std::string name(to_string(way.param));
                           std::erase(name, ' ');
                           return name;
                         });

TEST(OptLink, IsOneJobsAtATimeAndGoesWithIt) {
  const auto folder = TempFolder::make(fs::temp_directory_path(), "opt-");
  const std::string opt = folder->path().string();
  auto first = OptLink::open(false, opt), second = OptLink::open(false, opt);
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->try_lock());
  EXPECT_FALSE(second->try_lock());
  ASSERT_TRUE(first->point_to("/job/ml"));
  EXPECT_EQ(fs::read_symlink(opt + "/ml"), "/job/ml");
  first->remove();
  EXPECT_FALSE(fs::is_symlink(opt + "/ml"));
  first = OptLink::open(false, opt);
  EXPECT_TRUE(second->try_lock());
}

TEST(OptLink, TakesNoFolderAwayUnlessAllowed) {
  const auto folder = TempFolder::make(fs::temp_directory_path(), "opt-");
  const std::string opt = folder->path().string();
  ASSERT_TRUE(make_folders(opt + "/ml"));
  EXPECT_FALSE(OptLink::open(false, opt));
  auto link = OptLink::open(true, opt);
  ASSERT_TRUE(link && link->try_lock() && link->point_to("/job/ml"));
  EXPECT_TRUE(fs::is_symlink(opt + "/ml"));
  link->remove();
  ASSERT_TRUE(make_folders(opt + "/ml/used"));
  EXPECT_FALSE(OptLink::open(true, opt));
}

TEST(SandboxWire, CommandsComeBackAsTheyWereSent) {
  const Command command{{"a", "", "b c"}, {"X=1\n2"}, "/w"};
  const auto back = wire::decode(wire::encode(command));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->argv, command.argv);
  EXPECT_EQ(back->environment, command.environment);
  EXPECT_EQ(back->working_folder, "/w");
  EXPECT_FALSE(wire::decode("x"));
}

TEST(MemoryGroup, FindsItsParentInMountinfo) {
  const auto folder = TempFolder::make(fs::temp_directory_path(), "cgroup-");
  const fs::path proc = folder->path() / "proc", tree = folder->path() / "fs";
  ASSERT_TRUE(make_folders(proc / "self"));
  ASSERT_TRUE(make_folders(tree / "own"));
  ASSERT_TRUE(write_file(tree / "own/cgroup.controllers", "cpu memory\n"));
  ASSERT_TRUE(write_file(proc / "self/cgroup", "0::/own\n"));
  ASSERT_TRUE(
      write_file(proc / "self/mountinfo", "1 2 0:1 / " + tree.string() + " rw - cgroup2 cgroup2 rw\n"));
  const auto parent = MemoryGroup::parent(proc);
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->kind, MemoryGroup::Kind::kV2);
  EXPECT_EQ(parent->folder, tree / "own");
}

TEST(MemoryGroup, SaysWhyNothingIsEnforced) {
  MemoryGroup group;
  EXPECT_FALSE(group.limit_in({MemoryGroup::Kind::kV2, "/no/such/place"}, "x", 1 << 20, ::getpid()));
  EXPECT_NE(group.why().find("/no/such/place"), std::string::npos);
}

}  // namespace
}  // namespace sagelet::runner
