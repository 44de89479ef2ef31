#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

#include "base/fs.hpp"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/cli/cli.hpp"
#include "server/cli/commands.hpp"

namespace sagelet::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// The program run in this process: what it prints, its exit code, and the config serve was given.
class CommandLine : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"SAGELET_URL", "SAGELET_PYTHON", "VIRTUAL_ENV", "XDG_DATA_HOME"})
      ::unsetenv(name);
    before_ = fs::current_path();
    fs::current_path(home_.path());
  }
  void TearDown() override { fs::current_path(before_); }

  int run_words(std::vector<std::string> words) {
    words.insert(words.begin(), "sagelet");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = run(static_cast<int>(argv.size()), argv.data(), [this](const Config& config) {
      served_ = config;
      return 42;
    });
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }

  TempFolder home_ = *TempFolder::make(fs::temp_directory_path(), "cli-");
  fs::path before_;
  std::optional<Config> served_;
  std::string out_, err_;
};

TEST_F(CommandLine, AnAddressForNodesIsOneThatTheyCanBeTold) {
  EXPECT_EQ(run_words({"serve", "--advertise", "http://10.0.0.5:4580"}), 42);
  ASSERT_TRUE(served_ && served_->advertise);
  EXPECT_EQ(served_->advertise->url(), "http://10.0.0.5:4580");
  EXPECT_EQ(run_words({"serve", "--advertise", "http://0.0.0.0:4580"}), 2);
  EXPECT_THAT(err_, HasSubstr("--advertise: 0.0.0.0 is no address that nodes can be told"));
}

TEST_F(CommandLine, ServeHasTheDefaultsOfTheBook) {
  ::setenv("XDG_DATA_HOME", "/xdg", 1);
  EXPECT_EQ(run_words({"serve"}), 42);
  ASSERT_TRUE(served_);
  EXPECT_EQ(served_->host, "127.0.0.1");
  EXPECT_EQ(served_->port, 4577);
  EXPECT_EQ(served_->data, "/xdg/sagelet");
  EXPECT_EQ(served_->account, "000000000000");
  EXPECT_EQ(served_->region, "us-east-1");
  EXPECT_EQ(served_->auth, auth::Mode::kLax);
  EXPECT_FALSE(served_->offline);
  EXPECT_THAT(served_->pythons, ElementsAre("python3"));
}

TEST_F(CommandLine, EveryServeOptionArrives) {
  EXPECT_EQ(run_words({"serve", "--host", "0.0.0.0", "--port", "0", "--ephemeral", "--ready-file", "r",
                       "--account", "123456789012", "--region", "eu-west-1", "--auth", "strict",
                       "--seed-bucket", "one=/tmp", "--seed-bucket", "two=.", "--offline"}),
            42);
  EXPECT_EQ(served_->host, "0.0.0.0");
  EXPECT_EQ(served_->port, 0);
  EXPECT_TRUE(served_->ephemeral);
  EXPECT_TRUE(served_->data.empty());
  EXPECT_EQ(served_->ready_file, home_.path() / "r");
  EXPECT_EQ(served_->account, "123456789012");
  EXPECT_EQ(served_->region, "eu-west-1");
  EXPECT_EQ(served_->auth, auth::Mode::kStrict);
  ASSERT_EQ(served_->seed_buckets.size(), 2u);
  EXPECT_EQ(served_->seed_buckets[0].first, "one");
  EXPECT_TRUE(served_->offline);
}

TEST_F(CommandLine, TheCommandLineBeatsTheFile) {
  ASSERT_TRUE(
      write_file(home_.path() / "my.yaml", "port: 5000\nregion: eu-west-1\ndata: d\noffline: true\n"));
  EXPECT_EQ(run_words({"serve", "--config", "my.yaml", "--port", "6000"}), 42);
  EXPECT_EQ(served_->port, 6000);
  EXPECT_EQ(served_->region, "eu-west-1");
  EXPECT_TRUE(served_->offline);
  EXPECT_EQ(run_words({"serve", "--config", "my.yaml", "--ephemeral"}), 42);
  EXPECT_TRUE(served_->data.empty()) << "an ephemeral server must not throw away a folder somebody named";
}

TEST_F(CommandLine, SageletYamlOfTheCurrentFolderIsRead) {
  ASSERT_TRUE(write_file(home_.path() / "sagelet.yaml", "port: 5001\n"));
  EXPECT_EQ(run_words({"serve"}), 42);
  EXPECT_EQ(served_->port, 5001);
}

TEST_F(CommandLine, WrongUsageIsSaidAndIsTwo) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"bogus"},
      {"serve", "--bogus"},
      {"serve", "--port", "many"},
      {"serve", "--port", "70000"},
      {"serve", "--auth", "maybe"},
      {"serve", "--account", "12"},
      {"serve", "--region", "x"},
      {"serve", "--seed-bucket", "nothing"},
      {"serve", "--data", "d", "--ephemeral"},
      {"serve", "--config", "/no/such.yaml"},
      {"serve", "extra"},
      {"exec"},
      {"exec", "--"},
      {"exec", "--port", "x", "--", "true"},
      {"jobs", "describe"},
      {"jobs", "bogus"},
      {"logs"},
  };
  for (const auto& words : wrong) {
    EXPECT_EQ(run_words(words), kUsage) << fmt::format("{}", words.empty() ? "" : words.back());
    EXPECT_FALSE(err_.empty());
    EXPECT_EQ(out_, "");
  }
  EXPECT_FALSE(served_);
}

TEST_F(CommandLine, AnUnknownCommandIsNamed) {
  EXPECT_EQ(run_words({"bogus", "--port", "1"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("there is no command bogus"));
}

TEST_F(CommandLine, ServeAndExecTellTheirOwnDefaults) {
  EXPECT_EQ(run_words({"serve", "--help"}), kOk);
  EXPECT_THAT(out_, HasSubstr("[4577]"));
  EXPECT_EQ(run_words({"exec", "--help"}), kOk);
  EXPECT_THAT(out_, testing::AllOf(HasSubstr("[a free one]"), HasSubstr("thrown away]")));
}

TEST_F(CommandLine, HelpAndVersionAreNotErrors) {
  EXPECT_EQ(run_words({"--help"}), kOk);
  for (const char* word : {"serve", "exec", "env", "status", "jobs", "logs", "reset", "doctor", "Exit codes"})
    EXPECT_THAT(out_, HasSubstr(word));
  for (const char* command : {"serve", "exec", "env", "status", "jobs", "logs", "reset", "doctor"}) {
    EXPECT_EQ(run_words({command, "--help"}), kOk) << command;
    EXPECT_FALSE(out_.empty());
  }
  EXPECT_EQ(run_words({"--version"}), kOk);
  EXPECT_THAT(out_, HasSubstr("sagelet "));
}

/// A port that refuses: bound, but nobody listens.
std::string refusing_url(int& socket) {
  socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), size), 0);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return fmt::format("http://127.0.0.1:{}", ntohs(address.sin_port));
}

TEST_F(CommandLine, NobodyAnsweringIsSaidPlainlyAndIsThree) {
  int socket = -1;
  const auto url = refusing_url(socket);
  const UniqueFd closed_at_end(socket);
  for (const auto& words : std::vector<std::vector<std::string>>{{"status"},
                                                                 {"jobs"},
                                                                 {"jobs", "ls"},
                                                                 {"jobs", "describe", "x"},
                                                                 {"jobs", "stop", "x"},
                                                                 {"logs", "x"},
                                                                 {"reset"},
                                                                 {"doctor"},
                                                                 {"env"}}) {
    auto with_url = words;
    with_url.insert(with_url.end(), {"--url", url});
    EXPECT_EQ(run_words(with_url), kNoServer) << words.back();
    EXPECT_THAT(err_, HasSubstr(url));
    EXPECT_THAT(err_, HasSubstr("sagelet serve"));
    EXPECT_EQ(out_, "");
  }
}

TEST_F(CommandLine, UndoingNeedsNoServer) {
  EXPECT_EQ(run_words({"env", "--unset"}), kOk);
  EXPECT_EQ(out_, "");
}

TEST_F(CommandLine, TheServerIsTheOptionsElseTheShellsElseTheDefault) {
  EXPECT_EQ(target_of("").url, "http://127.0.0.1:4577");
  ::setenv("SAGELET_URL", "http://127.0.0.1:5000/", 1);
  EXPECT_EQ(target_of("").url, "http://127.0.0.1:5000");
  EXPECT_EQ(target_of("localhost:6000").url, "http://localhost:6000");
}

}  // namespace
}  // namespace sagelet::cli
