// Answers of every kind of body.
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "gtest/gtest.h"
#include "server/net/fake_exchange.hpp"

static std::atomic<std::uint64_t> sent_by_kernel{0};

/// In this program's place of the C library's, for the count.
extern "C" ssize_t sendfile(int to, int from, off_t* offset, size_t count) noexcept {
  const long sent = ::syscall(SYS_sendfile, to, from, offset, count);
  if (sent > 0) sent_by_kernel += static_cast<std::uint64_t>(sent);
  return sent;
}

namespace sagelet::net::testing {
namespace {

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i * 7 % 26);
  return bytes;
}

/// Gives its bytes in pieces of `piece`; fails at the end when told so.
class Pieces final : public http::PullStream {
 public:
  Pieces(std::string bytes, std::size_t piece, std::optional<std::uint64_t> length = std::nullopt,
         bool fails = false)
      : bytes_(std::move(bytes)), piece_(piece), length_(length), fails_(fails) {}
  Result<std::size_t> read(std::span<char> buffer) override {
    const std::size_t count = std::min({piece_, buffer.size(), bytes_.size() - at_});
    if (count == 0 && fails_) return Error(ErrorKind::kIo, "the test says so");
    std::copy_n(bytes_.data() + at_, count, buffer.data());
    at_ += count;
    return count;
  }
  std::optional<std::uint64_t> length() const override { return length_; }

 private:
  std::string bytes_;
  std::size_t piece_, at_ = 0;
  std::optional<std::uint64_t> length_;
  bool fails_;
};

class Send : public ::testing::Test {
 protected:
  /// Every request gets what `make` gives.
  void answer_with(std::function<http::Response()> make) {
    script.on_finish = [make = std::move(make)](const http::Head&, const std::string&, auto done) {
      done(make());
    };
  }
  static http::Response with(http::Body body, int status = 200) {
    http::Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
  }
  Script script;
  House house{script};
  Client client{house.port()};
  static constexpr auto kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  static constexpr auto kHead = "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n";
};

TEST_F(Send, SendsBytesOfEverySize) {
  for (const std::size_t size : {0, 1, 16384, 16385, 5000000}) {
    answer_with([&] { return with(pattern(size)); });
    const Answer answer = client.ask(kGet);
    EXPECT_TRUE(answer.has("Content-Length: " + std::to_string(size)));
    EXPECT_EQ(answer.body, pattern(size));
  }
}

TEST_F(Send, SendsFileRangesSmallAndLarge) {
  const std::string bytes = pattern(9000000);
  const auto file = file_of(bytes);
  for (const std::size_t size : {1, 4096, 16384, 16385, 8000000}) {
    answer_with([&] { return with(http::FileRange{file, 1000, size}); });
    EXPECT_EQ(client.ask(kGet).body, bytes.substr(1000, size));
  }
}

TEST_F(Send, SendsLargeFileRangesBySendfileAndSmallOnesBehindTheHead) {
  const auto file = file_of(pattern(100000));
  const std::uint64_t before = sent_by_kernel;
  answer_with([&] { return with(http::FileRange{file, 1000, 16384}); });
  client.ask(kGet);
  answer_with([&] { return with(http::FileRange{file, 1000, 99000}); });
  client.ask(kGet);
  // The client may have the bytes before they are counted.
  EXPECT_TRUE(eventually([&] { return sent_by_kernel - before >= 99000; }));
  EXPECT_EQ(sent_by_kernel - before, 99000u);
}

TEST_F(Send, KeepsAFileWhileItIsSent) {
  constexpr std::size_t kMoreThanBuffersHold = 16000000;
  const auto bytes = pattern(kMoreThanBuffersHold);
  answer_with([&] { return with(http::FileRange{file_of(bytes), 0, bytes.size()}); });
  client.send(kGet);
  pollfd begun{client.fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&begun, 1, 10000), 1);
  EXPECT_EQ(client.receive().body, bytes);
}

TEST_F(Send, AnswersFailureForASmallFileThatIsTooShort) {
  answer_with([] { return with(http::FileRange{file_of("abc"), 0, 10}); });
  EXPECT_EQ(client.ask(kGet).status, 500);
}

TEST_F(Send, BreaksOffALargeFileThatIsTooShort) {
  answer_with([] { return with(http::FileRange{file_of(pattern(100000)), 0, 200000}); });
  EXPECT_LT(client.ask(kGet).body.size(), 200000u);
}

TEST_F(Send, SendsStreamsOfUnknownLengthChunked) {
  const std::string bytes = pattern(300000);
  for (const std::size_t piece : {1000, 65536, 300000}) {
    answer_with([&] { return with(std::make_shared<Pieces>(bytes, piece)); });
    const Answer answer = client.ask(kGet);
    EXPECT_TRUE(answer.has("Transfer-Encoding: chunked"));
    EXPECT_EQ(answer.body, bytes);
  }
}

TEST_F(Send, SendsAnEmptyStream) {
  answer_with([] { return with(std::make_shared<Pieces>("", 1)); });
  EXPECT_EQ(client.ask(kGet).body, "");
  EXPECT_EQ(client.ask(kGet).status, 200);
}

TEST_F(Send, SendsStreamsOfKnownLengthByLength) {
  answer_with([] { return with(std::make_shared<Pieces>(pattern(100000), 777, 100000)); });
  const Answer answer = client.ask(kGet);
  EXPECT_TRUE(answer.has("Content-Length: 100000"));
  EXPECT_EQ(answer.body, pattern(100000));
  EXPECT_EQ(client.ask(kGet).body, pattern(100000));
}

TEST_F(Send, SendsAnHttp10ClientAStreamUntilTheEnd) {
  answer_with([] { return with(std::make_shared<Pieces>(pattern(100000), 777)); });
  const Answer answer = client.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_EQ(answer.head.find("Transfer-Encoding"), std::string::npos);
  EXPECT_EQ(answer.body, pattern(100000));
}

TEST_F(Send, ABrokenStreamNeverLooksComplete) {
  answer_with([] { return with(std::make_shared<Pieces>(pattern(1000), 1000, std::nullopt, true)); });
  client.send(kGet);
  const std::string all = client.rest();
  EXPECT_NE(all.find("3e8\r\n"), std::string::npos);
  EXPECT_EQ(all.find("\r\n0\r\n"), std::string::npos);
}

TEST_F(Send, AHeadAnswerHasTheLengthAndNoBody) {
  answer_with([] { return with(pattern(1234)); });
  EXPECT_TRUE(client.ask(kHead, true).has("Content-Length: 1234"));
  answer_with([] { return with(http::FileRange{file_of(pattern(99999)), 0, 99999}); });
  EXPECT_TRUE(client.ask(kHead, true).has("Content-Length: 99999"));
  answer_with([] {
    http::Response response = with(http::Body());
    response.content_length_only = 77;
    return response;
  });
  EXPECT_TRUE(client.ask(kHead, true).has("Content-Length: 77"));
  EXPECT_TRUE(client.ask(kGet).has("Content-Length: 0"));
}

TEST_F(Send, NoContentAndNotModifiedHaveNoBodyAndNoLength) {
  for (const int status : {204, 304}) {
    answer_with([&] { return with(std::string("ignored"), status); });
    const Answer answer = client.ask(kGet);
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.head.find("Content-Length"), std::string::npos);
  }
  answer_with([] { return with(std::string("ok")); });
  EXPECT_EQ(client.ask(kGet).body, "ok");
}

TEST_F(Send, FramesTheMessageItself) {
  answer_with([] {
    http::Response response = with(std::string("abc"));
    response.headers.add("content-length", "999");
    response.headers.add("Transfer-Encoding", "chunked");
    response.headers.add("connection", "close");
    response.headers.add("Server", "AmazonS3");
    return response;
  });
  const Answer answer = client.ask(kGet);
  EXPECT_EQ(answer.body, "abc");
  EXPECT_TRUE(answer.has("Server: AmazonS3"));
  EXPECT_EQ(answer.head.find("999"), std::string::npos);
  EXPECT_EQ(client.ask(kGet).body, "abc");
}

TEST_F(Send, NoValueCanStartAFieldOfItsOwn) {
  answer_with([] {
    http::Response response = with(std::string("abc"));
    response.headers.add("X-A", "1\r\nX-Evil: 2\r\n\r\n<html>");
    return response;
  });
  const Answer answer = client.ask(kGet);
  EXPECT_TRUE(answer.has("X-A: 1  X-Evil: 2    <html>"));
  EXPECT_EQ(answer.body, "abc");
}

TEST_F(Send, ClosesWhenTheHandlerSaysSo) {
  answer_with([] {
    http::Response response = with(std::string("abc"));
    response.close = true;
    return response;
  });
  EXPECT_TRUE(client.ask(kGet).has("Connection: close"));
  EXPECT_TRUE(client.is_closed());
}

}  // namespace
}  // namespace sagelet::net::testing
