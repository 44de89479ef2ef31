#include "runner/script_mode/far_shell.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "base/fd.hpp"

namespace sagelet::script_mode {
namespace {

using testing::HasSubstr;

/// A process of ours with stdout and stderr in one pipe.
struct Started {
  pid_t pid = 0;
  UniqueFd output;

  std::string read_all() const {
    std::string text, buffer(4096, '\0');
    while (const auto got = read_some(output.get(), buffer).value_or(0)) text.append(buffer, 0, got);
    return text;
  }
  int wait() const {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }
};

class FarShellTest : public testing::Test {
 protected:
  static Started start(const std::string& key, const std::function<int()>& work) {
    auto pipe = make_pipe();
    std::fflush(nullptr);  // else what is buffered comes out of the child too
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::dup2(pipe->write.get(), 1);
      ::dup2(pipe->write.get(), 2);
      ::setenv(kFarShellVariable, (std::to_string(30000 + ::getppid() % 2000) + ":" + key).c_str(), 1);
      const int code = work();
      std::fflush(nullptr);
      ::_exit(code);
    }
    return {pid, std::move(pipe->read)};
  }
  static Started worker() {
    return start("k", [] { return serve_commands("127.0.0.1"); });
  }
  static Started there(std::vector<std::string> words, const std::string& key = "k") {
    return start(key, [words] { return run_there("127.0.0.1", words); });
  }
  static int finish() {
    return start("k", [] { return lead("127.0.0.1", {"true"}); }).wait();
  }
};

TEST_F(FarShellTest, ACommandsOutputAndExitCodeComeBack) {
  const Started host = worker(), done = there({"echo", "to", "$((40+2));", "echo oops >&2;", "exit 5"});
  const std::string text = done.read_all();
  EXPECT_EQ(done.wait(), 5);
  EXPECT_THAT(text, HasSubstr("to 42\n"));
  EXPECT_THAT(text, HasSubstr("oops\n"));
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(host.wait(), 0);
}

TEST_F(FarShellTest, WhoHasNotTheKeyStartsNothing) {
  const Started host = worker(), done = there({"echo", "in"}, "another");
  EXPECT_THAT(done.read_all(), HasSubstr("the connection ended"));
  EXPECT_EQ(done.wait(), 255);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(host.wait(), 0);
}

TEST_F(FarShellTest, AWorkerStaysForADaemonInTheBackgroundUntilTheLeaderIsDone) {
  const Started host = worker(), done = there({"sleep 0.3 >/dev/null 2>&1 & echo started"});
  EXPECT_EQ(done.read_all(), "started\n");
  EXPECT_EQ(done.wait(), 0);
  EXPECT_EQ(::kill(host.pid, SIGTERM), 0);  // a stop: what was started is waited for
  EXPECT_EQ(host.wait(), 0);
}

TEST_F(FarShellTest, AStopEndsAWorkerThatWasNeverCalled) {
  const Started host = worker();
  std::string line(200, '\0');
  ASSERT_TRUE(read_some(host.output.get(), line));  // it listens
  ::kill(host.pid, SIGTERM);
  EXPECT_EQ(host.wait(), 0);
}

TEST_F(FarShellTest, TheLeaderEndsAsItsCommandDid) {
  const Started host = worker();
  const Started leader = start("k", [] { return lead("127.0.0.1", {"sh", "-c", "kill -9 $$"}); });
  EXPECT_EQ(leader.wait(), -SIGKILL);
  EXPECT_EQ(host.wait(), 0);
}

}  // namespace
}  // namespace sagelet::script_mode
