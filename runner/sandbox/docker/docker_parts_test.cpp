// What needs no engine: lines, settings, relay.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "fmt/format.h"
#include "runner/sandbox/docker/log_lines.hpp"
#include "runner/sandbox/docker/network.hpp"
#include "runner/sandbox/docker/relay.hpp"
#include "runner/sandbox/docker/settings.hpp"

namespace sagelet::runner {
namespace {

using client::LogEntry;
using Lines = std::vector<std::string>;

class EngineLog : public testing::Test {
 protected:
  void entry(std::string_view text, LogEntry::Stream stream = LogEntry::kOut,
             std::string_view stamp = "1970-01-01T00:00:01.234567890Z") {
    ASSERT_TRUE(lines_.entry({.stream = stream, .stamp = stamp, .text = text}));
  }
  Lines seen_;
  LogLines lines_{[this](std::int64_t time_ms, std::string_view line) -> Status {
    seen_.push_back(fmt::format("{} {}", time_ms, line));
    return {};
  }};
};

TEST_F(EngineLog, LinesKeepTheEnginesTime) {
  entry("one\n");
  entry("\n", LogEntry::kErr, "1970-01-01T00:00:02Z");
  EXPECT_EQ(seen_, (Lines{"1234 one", "2000 "}));
}

TEST_F(EngineLog, PartsOfALongLineArePutTogetherByStream) {
  entry("a");
  entry("x\n", LogEntry::kErr);
  entry("b\n");
  entry("rest");
  ASSERT_TRUE(lines_.end());
  EXPECT_EQ(seen_, (Lines{"1234 x", "1234 ab", "1234 rest"}));
}

TEST_F(EngineLog, KnowsItsNewestEntry) {
  const std::string stamp = "1970-01-01T00:00:05.1Z";
  entry("one\n", LogEntry::kOut, stamp);
  EXPECT_TRUE(lines_.ends_with({.stamp = stamp, .text = "one\n"}));
  EXPECT_FALSE(lines_.ends_with({.stamp = stamp, .text = "one more\n"}));
  EXPECT_FALSE(lines_.ends_with({.stream = LogEntry::kErr, .stamp = stamp, .text = "one\n"}));
  EXPECT_FALSE(lines_.ends_with({.stamp = "1970-01-01T00:00:05.2Z", .text = "one\n"}));
}

TEST_F(EngineLog, WhatWasSeenBeforeTheEngineWentIsPassedOver) {
  entry("one\n");
  entry("two\n");
  entry("thr");
  lines_.again();
  for (const char* text : {"one\n", "two\n", "thr", "ee\n", "four\n"}) entry(text);
  EXPECT_EQ(seen_, (Lines{"1234 one", "1234 two", "1234 three", "1234 four"}));
}

JobSpec spec() {
  JobSpec out;
  out.job_id = "id";
  out.name = "name";
  out.docker_image = "me/mine:1";
  out.folder = "/jobs/id";
  out.access_key = "AKID";
  return out;
}

TEST(OwnRegistry, IsWhereTheServerIsNowAndTheOnlyOneThatGetsTheJobsKeys) {
  auto job = spec();
  job.server_url = "http://127.0.0.1:4578";
  job.session_token = "token";
  EXPECT_EQ(with_image_at_server(job).docker_image, "me/mine:1");
  EXPECT_FALSE(registry_login(job));
  job.own_registry = true;
  job.docker_image = "127.0.0.1:4577/host/mine@sha256:0";
  EXPECT_EQ(with_image_at_server(job).docker_image, "127.0.0.1:4578/host/mine@sha256:0");
  ASSERT_TRUE(registry_login(job));
  EXPECT_EQ(registry_login(job)->user, "AWS");
  EXPECT_EQ(registry_login(job)->password, "QUtJRDp0b2tlbg==");
}

TEST(ContainerSettings, TrainIsTheArgumentUnlessTheRequestHasItsOwn) {
  auto job = spec();
  const Wiring wiring{.network = "bridge"};
  EXPECT_EQ(container_settings(job, wiring)["Cmd"], nlohmann::json({"train"}));
  EXPECT_FALSE(container_settings(job, wiring).contains("Entrypoint"));
  job.arguments = {"a", "b"};
  EXPECT_EQ(container_settings(job, wiring)["Cmd"], nlohmann::json({"a", "b"}));
  job.entrypoint = {"/run"};
  job.arguments.clear();
  EXPECT_FALSE(container_settings(job, wiring).contains("Cmd"));
  EXPECT_EQ(container_settings(job, wiring)["Entrypoint"], nlohmann::json({"/run"}));
}

TEST(ContainerSettings, IsolatedHostsAskNoResolverForNamesOfOthers) {
  auto job = spec();
  const Wiring shared{.network = "sagelet-id", .own_network = true};
  EXPECT_FALSE(container_settings(job, shared)["HostConfig"].contains("Dns"));
  job.network_isolation = true;
  EXPECT_EQ(container_settings(job, shared)["HostConfig"]["Dns"], nlohmann::json({"192.0.2.1"}));
}

TEST(ContainerSettings, WithoutAWayToTheServerThereAreNoKeys) {
  const auto has = [](const Wiring& wiring, std::string_view start) {
    const auto environment = container_environment(spec(), wiring);
    return std::ranges::any_of(environment, [&](const auto& pair) { return pair.starts_with(start); });
  };
  const Wiring isolated{.network = "none"},
      wired{.network = "bridge", .server_url = "http://host.docker.internal:1"};
  for (const char* name :
       {"AWS_ACCESS_KEY_ID=AKID", "AWS_ENDPOINT_URL=http://host", "https_proxy=http://host"}) {
    EXPECT_TRUE(has(wired, name)) << name;
    EXPECT_FALSE(has(isolated, name)) << name;
  }
  EXPECT_EQ(container_settings(spec(), isolated)["HostConfig"]["ExtraHosts"],
            nlohmann::json({"algo-1:127.0.0.1"}));
}

TEST(ContainerSettings, TheRequestsVariablesWin) {
  auto job = spec();
  job.environment = {{"AWS_REGION", "mine"}};
  const auto environment = container_environment(job, {.network = "bridge"});
  EXPECT_EQ(std::ranges::count(environment, "AWS_REGION=mine"), 1);
  EXPECT_EQ(
      std::ranges::count_if(environment, [](const auto& pair) { return pair.starts_with("AWS_REGION="); }),
      1);
}

TEST(ContainerSettings, GpusAreAskedForOnlyWhereTheEngineHasThem) {
  auto job = spec();
  job.gpus = 4;
  EXPECT_FALSE(container_settings(job, {.network = "bridge"})["HostConfig"].contains("DeviceRequests"));
  const auto request =
      container_settings(job, {.network = "bridge", .gpus = true})["HostConfig"]["DeviceRequests"][0];
  EXPECT_EQ(request["Count"], 4);
}

/// Sends back what it gets, on a free port.
class Echo {
 public:
  Echo() {
    sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      while (const UniqueFd peer{::accept(listener_.get(), nullptr, nullptr)}) {
        std::string buffer(65536, '\0');
        for (ssize_t got; (got = ::read(peer.get(), buffer.data(), buffer.size())) > 0;)
          (void)write_all(peer.get(), std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
      }
    });
  }
  ~Echo() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::string address() const { return fmt::format("127.0.0.1:{}", port_); }

 private:
  UniqueFd listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  int port_ = 0;
  std::thread thread_;
};

UniqueFd connect_to(int port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET,
                      .sin_port = htons(static_cast<std::uint16_t>(port)),
                      .sin_addr = {htonl(INADDR_LOOPBACK)}};
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

TEST(Relay, CarriesAMegabyteBothWaysAndTheEnd) {
  Echo echo;
  const auto relay = Relay::start("127.0.0.1", [&] { return echo.address(); });
  ASSERT_TRUE(relay) << relay.error().message();
  const auto fd = connect_to((*relay)->port());
  (*relay)->allow("127.0.0.1");  // connections of before wait
  std::string sent(1 << 20, 'x'), received;
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 + i / 251);
  std::thread writer([&] {
    EXPECT_TRUE(write_all(fd.get(), sent));
    ::shutdown(fd.get(), SHUT_WR);
  });
  std::string buffer(65536, '\0');
  for (ssize_t got; (got = ::read(fd.get(), buffer.data(), buffer.size())) > 0;)
    received.append(buffer, 0, static_cast<std::size_t>(got));
  writer.join();
  EXPECT_TRUE(received == sent);
}

TEST(Relay, ClosesTheConnectionsOfOthers) {
  Echo echo;
  const auto relay = Relay::start("127.0.0.1", [&] { return echo.address(); });
  ASSERT_TRUE(relay);
  (*relay)->allow("192.0.2.1");
  const auto fd = connect_to((*relay)->port());
  char byte;
  EXPECT_LE(::read(fd.get(), &byte, 1), 0);
}

TEST(Relay, AnAddressThatIsNotOursIsAnError) {
  EXPECT_FALSE(Relay::start("192.0.2.1", [] { return std::string(); }));
  EXPECT_FALSE(Relay::start("", [] { return std::string(); }));
}

TEST(Refusal, IsWhatAShellWouldSayHoweverTheEngineTellsIt) {
  EXPECT_EQ(shell_code(127, ""), 127);
  const std::string head = "runc: runc create failed: unable to start container process: ";
  EXPECT_EQ(shell_code(0, head + "exec: \"/no/such\": stat /no/such: no such file or directory: OCI runtime "
                                 "attempted to invoke a command that was not found"),
            127);
  EXPECT_EQ(shell_code(0, head + "exec: \"x\": executable file not found in $PATH"), 127);
  EXPECT_EQ(shell_code(0, head + "exec: \"/etc/passwd\": permission denied: OCI permission denied"), 126);
  EXPECT_EQ(
      shell_code(0, head + "error setting rlimit type 7: operation not permitted: OCI permission denied"), 0);
}

TEST(HostAddress, IsTheBridgesWhereTheEngineDoesNotSay) {
  EXPECT_EQ(host_address({.id = "a", .gateway = "172.17.0.1", .bridge = "lo"}), "172.17.0.1");
  EXPECT_EQ(host_address({.id = "a", .gateway = "", .bridge = "lo"}), "127.0.0.1");
  EXPECT_EQ(host_address({.id = "a", .gateway = "", .bridge = "none-such"}), "");
  EXPECT_EQ(host_address({.id = "a", .gateway = "", .bridge = ""}), "");
}

}  // namespace
}  // namespace sagelet::runner
