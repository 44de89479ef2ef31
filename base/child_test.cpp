#include "base/child.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.hpp"
#include "fmt/format.h"

namespace sagelet {
namespace {

using namespace std::chrono_literals;

std::string read_to_end(int fd) {
  std::string out;
  char buffer[512];
  for (auto n = read_some(fd, buffer); n && *n > 0; n = read_some(fd, buffer)) out.append(buffer, *n);
  return out;
}

/// What `script` writes to its standard output.
std::string output_of(ChildOptions options) {
  auto pipe = make_pipe();
  options.stdout_fd = pipe->write.get();
  auto child = Child::start(options);
  EXPECT_TRUE(child) << child.error().message();
  if (!child) return {};
  pipe->write.reset();
  std::string out = read_to_end(pipe->read.get());
  EXPECT_TRUE(child->wait()->ok());
  return out;
}

ChildOptions shell(std::string script) {
  return {.argv = {"sh", "-c", std::move(script)}};
}

TEST(Child, GivesItsExitCode) {
  auto child = Child::start(shell("exit 7"));
  ASSERT_TRUE(child);
  const auto end = child->wait();
  EXPECT_EQ(end->code, 7);
  EXPECT_EQ(end->signal, 0);
  EXPECT_EQ(child->wait()->code, 7) << "asking twice is fine";
}

TEST(Child, SaysWhichSignalEndedIt) {
  auto child = Child::start(shell("kill -TERM $$"));
  ASSERT_TRUE(child);
  const auto end = child->wait();
  EXPECT_EQ(end->signal, SIGTERM);
  EXPECT_EQ(end->code, 128 + SIGTERM);
  EXPECT_FALSE(end->ok());
}

TEST(Child, ThatCannotStartIsAnErrorThatNamesTheProgram) {
  const auto missing = Child::start({.argv = {"no-such-program-here"}});
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().is(ErrorKind::kNotFound));
  EXPECT_NE(missing.error().message().find("no-such-program-here"), std::string::npos);
  EXPECT_FALSE(Child::start({.argv = {}}));
  EXPECT_FALSE(Child::start({.argv = {"/"}}));
  ChildOptions bad_folder = shell("true");
  bad_folder.working_folder = "/no/such/folder";
  EXPECT_FALSE(Child::start(bad_folder));
}

TEST(Child, IsLookedUpOnThePathOfItsOwnEnvironment) {
  auto folder = TempFolder::make(fs::temp_directory_path(), "child-test-");
  ASSERT_TRUE(write_file(folder->path() / "greet", "#!/bin/sh\necho hello $NAME\n", false, 0755));
  ChildOptions options{.argv = {"greet"}};
  EXPECT_FALSE(Child::start(options)) << "not on our PATH";
  options.environment = {"NAME=world", "PATH=/nowhere:" + folder->path().string()};
  EXPECT_EQ(output_of(options), "hello world\n");
}

TEST(Child, HasTheFolderAndTheStreamsItWasGiven) {
  ChildOptions options = shell("pwd; cat; echo lost >&2");
  options.working_folder = "/";
  auto input = make_pipe();
  ASSERT_TRUE(write_all(input->write.get(), "from stdin\n"));
  input->write.reset();
  options.stdin_fd = input->read.get();
  const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  options.stderr_fd = null.get();
  EXPECT_EQ(output_of(options), "/\nfrom stdin\n");
}

TEST(Child, ReadsNothingWhenNoInputIsGiven) {
  EXPECT_EQ(output_of(shell("cat; echo end")), "end\n");
}

TEST(Child, InheritsWhatItWasGivenAndNothingElse) {
  const UniqueFd leaky(
      ::open("/dev/null", O_RDONLY));  // not close-on-exec, as a careless library would open it
  auto given = make_pipe();
  ASSERT_TRUE(write_all(given->write.get(), "secret"));
  given->write.reset();
  ChildOptions options =
      shell(fmt::format("cat <&{}; test -e /proc/self/fd/{} && echo leaked", given->read.get(), leaky.get()) +
            "; exit 0");
  options.inherited_fds = {given->read.get()};
  EXPECT_EQ(output_of(options), "secret");
}

TEST(Child, StartsWithNoSignalBlockedOrIgnored) {
  ::signal(SIGPIPE, SIG_IGN);
  const std::string status = output_of({.argv = {"grep", "-E", "SigBlk|SigIgn", "/proc/self/status"}});
  ::signal(SIGPIPE, SIG_DFL);
  EXPECT_EQ(status, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(Child, LeadsASessionOfItsOwnWhenAsked) {
  ChildOptions options = shell("ps -o sid= -p $$ | tr -d ' '; echo $$");
  options.new_session = true;
  const std::string out = output_of(options);
  const auto middle = out.find('\n');
  EXPECT_EQ(out.substr(0, middle + 1), out.substr(middle + 1));
}

TEST(Child, WaitsNoLongerThanToldAndCanBeSignalled) {
  auto child = Child::start({.argv = {"sleep", "60"}});
  ASSERT_TRUE(child);
  EXPECT_FALSE(child->wait(1ms));
  EXPECT_FALSE(child->wait(0ms));
  child->signal(SIGTERM);
  EXPECT_EQ(child->wait()->signal, SIGTERM);
}

TEST(Child, DiesWithItsOwner) {
  ProcessId id;
  {
    auto child = Child::start({.argv = {"sleep", "60"}});
    ASSERT_TRUE(child);
    id = child->id();
    EXPECT_TRUE(id.alive());
    Child moved = std::move(*child);
    EXPECT_TRUE(id.alive()) << "moving is not losing";
  }
  EXPECT_FALSE(id.alive());
  EXPECT_FALSE(ProcessId::of(id.pid)) << "it was reaped, too";
}

TEST(Child, OutlivesItsOwnerWhenLetGo) {
  ProcessId id;
  {
    auto child = Child::start({.argv = {"sleep", "60"}});
    ASSERT_TRUE(child);
    id = child->id();
    child->let_go();
  }
  EXPECT_TRUE(id.alive());
  EXPECT_TRUE(id.signal(SIGKILL));
  ::waitpid(id.pid, nullptr, 0);
  EXPECT_FALSE(id.alive());
}

TEST(ProcessId, IsNotFooledByAPidThatWasGivenAway) {
  const auto us = ProcessId::of(::getpid());
  ASSERT_TRUE(us);
  EXPECT_TRUE(us->alive());
  const ProcessId other{us->pid, us->start_time + 1};
  EXPECT_FALSE(other.alive());
  EXPECT_FALSE(other.signal(SIGKILL)) << "or this test would be dead";
  EXPECT_FALSE(ProcessId::of(0));
  EXPECT_FALSE(ProcessId::of(-1));
}

TEST(ProcessId, CountsAZombieAsDead) {
  auto child = Child::start(shell("exit 0"));
  ASSERT_TRUE(child);
  const ProcessId id = child->id();
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(id.pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(id.alive());
}

}  // namespace
}  // namespace sagelet
