#include "client/docker.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace sagelet::client {
namespace {

std::string frame(char stream, std::string_view payload) {
  std::string out{
      stream, 0, 0, 0, 0, 0, static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size())};
  return out.append(payload);
}

class Frames : public testing::Test {
 protected:
  Status feed(std::string_view bytes) {
    return frames_.feed(bytes, [&](const LogEntry& entry) -> Status {
      seen_.push_back(std::to_string(entry.stream) + "|" + std::string(entry.stamp) + "|" +
                      std::string(entry.text));
      return {};
    });
  }
  LogFrames frames_;
  std::vector<std::string> seen_;
};

TEST_F(Frames, AreCutIntoStreamStampAndText) {
  ASSERT_TRUE(
      feed(frame(1, "2026-01-02T03:04:05.000000006Z a b\n") + frame(2, "2026-01-02T03:04:05.7Z part")));
  EXPECT_EQ(seen_, (std::vector<std::string>{"1|2026-01-02T03:04:05.000000006Z|a b\n",
                                             "2|2026-01-02T03:04:05.7Z|part"}));
}

TEST_F(Frames, MayComeByteByByte) {
  for (const char c : frame(1, "t one\n") + frame(1, "t \n")) ASSERT_TRUE(feed({&c, 1}));
  EXPECT_EQ(seen_, (std::vector<std::string>{"1|t|one\n", "1|t|\n"}));
}

TEST_F(Frames, OfAnotherKindAreRefused) {
  EXPECT_TRUE(feed("HTTP/1.1 200 OK").error().is(ErrorKind::kCorrupt));
}

TEST_F(Frames, TheSinksErrorComesBack) {
  const auto done =
      frames_.feed(frame(1, "t x\n"), [](const LogEntry&) -> Status { return Error(ErrorKind::kIo, "no"); });
  EXPECT_TRUE(done.error().is(ErrorKind::kIo));
}

TEST(EngineSocket, DockerHostNamesItAndOtherKindsOfHostsAreNone) {
  ::setenv("DOCKER_HOST", "unix:///some/where.sock", 1);
  EXPECT_EQ(engine_socket(), "/some/where.sock");
  ::setenv("DOCKER_HOST", "tcp://127.0.0.1:2375", 1);
  EXPECT_EQ(engine_socket(), "");
  ::unsetenv("DOCKER_HOST");
}

TEST(RegistryAuth, IsJsonInTheAlphabetOfUrls) {
  EXPECT_EQ(registry_auth({"AWS", "a>>?b??"}), "eyJwYXNzd29yZCI6ImE-Pj9iPz8iLCJ1c2VybmFtZSI6IkFXUyJ9");
}

TEST(Engine, SaysWhenThereIsNone) {
  EXPECT_TRUE(Engine("/no/such/socket").ping().error().is(ErrorKind::kUnavailable));
  const auto done = Engine("").ping();
  ASSERT_TRUE(done.error().is(ErrorKind::kUnavailable));
  EXPECT_NE(done.error().message().find("DOCKER_HOST"), std::string::npos);
}

}  // namespace
}  // namespace sagelet::client
