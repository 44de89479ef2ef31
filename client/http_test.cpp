#include "client/http.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "base/fd.hpp"
#include "base/fs.hpp"
#include "fmt/format.h"

namespace sagelet::client {
namespace {

using namespace std::chrono_literals;

struct Seen {
  std::string head, body;
  int connection = 0;
};

/// Answers each request with the next text of a script (the last one for ever); an empty text hangs up.
class Imposter {
 public:
  explicit Imposter(std::vector<std::string> script, std::string unix_path = {})
      : script_(std::move(script)) {
    listener_ = UniqueFd(::socket(unix_path.empty() ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (unix_path.empty()) {
      sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
      socklen_t length = sizeof address;
      EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
      ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
      port_ = ntohs(address.sin_port);
    } else {
      sockaddr_un address{.sun_family = AF_UNIX};
      unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
      EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~Imposter() {
    stopping_ = true;
    ::shutdown(listener_.get(), SHUT_RDWR);
    {
      std::lock_guard lock(mutex_);
      if (current_ >= 0) ::shutdown(current_, SHUT_RDWR);
    }
    thread_.join();
  }

  std::string url(std::string_view path = "/") const {
    return fmt::format("http://127.0.0.1:{}{}", port_, path);
  }
  std::vector<Seen> seen() {
    std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  void run() {
    for (int connection = 1; !stopping_; ++connection) {
      const UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer) return;
      set_current(peer.get());
      while (!stopping_ && serve(peer.get(), connection)) {
      }
      set_current(-1);
    }
  }
  void set_current(int fd) {
    std::lock_guard lock(mutex_);
    current_ = fd;
  }
  bool serve(int fd, int connection) {
    std::string bytes;
    char buffer[65536];
    std::size_t head_end, length = 0;
    while ((head_end = bytes.find("\r\n\r\n")) == std::string::npos) {
      const auto n = read_some(fd, buffer);
      if (!n || *n == 0) return false;
      bytes.append(buffer, *n);
    }
    head_end += 4;
    if (const auto at = bytes.find("Content-Length: "); at < head_end)
      length = std::stoul(bytes.substr(at + 16));
    while (bytes.size() < head_end + length) {
      const auto n = read_some(fd, buffer);
      if (!n || *n == 0) return false;
      bytes.append(buffer, *n);
    }
    std::string answer;
    {
      std::lock_guard lock(mutex_);
      seen_.push_back({bytes.substr(0, head_end), bytes.substr(head_end), connection});
      answer = script_[std::min(seen_.size(), script_.size()) - 1];
    }
    return !answer.empty() && write_all(fd, answer) && !answer.starts_with("HTTP/1.0");
  }

  std::vector<std::string> script_;
  UniqueFd listener_;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  int current_ = -1;
  std::vector<Seen> seen_;
  std::thread thread_;
};

std::string ok(std::string_view body, std::string_view headers = {}) {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{}\r\n{}", body.size(), headers, body);
}

TEST(Http, GivesStatusHeadersAndBody) {
  Imposter server(
      {"HTTP/1.1 404 Not Found\r\nX-Strange:  a b \r\nETag: \"x\"\r\nContent-Length: 5\r\n\r\nwhere"});
  Http http;
  const auto answer = http.send({.url = server.url("/a/../b//c?d=%20")});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 404) << "not an error of ours";
  EXPECT_EQ(answer->headers.at("x-strange"), "a b");
  EXPECT_EQ(answer->headers.at("etag"), "\"x\"");
  EXPECT_EQ(answer->body, "where");
  EXPECT_TRUE(server.seen()[0].head.starts_with("GET /a/../b//c?d=%20 HTTP/1.1\r\n"))
      << server.seen()[0].head;
}

TEST(Http, SendsABodyWithoutExpectOrAContentTypeNobodyGave) {
  Imposter server({ok("")});
  Http http;
  const std::string body(3000, 'x');  // libcurl would ask for 100 Continue from 1 KiB on
  ASSERT_TRUE(http.send(
      {.method = "PUT", .url = server.url(), .headers = {{"x-a", "1"}, {"x-empty", ""}}, .body = body}));
  ASSERT_TRUE(http.send(
      {.method = "POST", .url = server.url(), .headers = {{"Content-Type", "text/x"}}, .body = "b"}));
  ASSERT_TRUE(http.send({.method = "DELETE", .url = server.url()}));
  const auto seen = server.seen();
  EXPECT_EQ(seen[0].body, body);
  EXPECT_NE(seen[0].head.find("x-a: 1\r\n"), std::string::npos);
  EXPECT_NE(seen[0].head.find("x-empty:\r\n"), std::string::npos) << seen[0].head;
  EXPECT_EQ(seen[0].head.find("Expect"), std::string::npos);
  EXPECT_EQ(seen[0].head.find("Content-Type"), std::string::npos) << seen[0].head;
  EXPECT_NE(seen[1].head.find("Content-Type: text/x\r\n"), std::string::npos);
  EXPECT_TRUE(seen[2].head.starts_with("DELETE / "));
}

TEST(Http, KeepsItsConnection) {
  Imposter server({ok("1"), ok("2"), ok("3")});
  Http http;
  for (const auto* expected : {"1", "2", "3"}) EXPECT_EQ(http.send({.url = server.url()})->body, expected);
  EXPECT_EQ(server.seen()[2].connection, 1);
}

TEST(Http, NeverGoesThroughAProxy) {
  Imposter server({ok("direct")});
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  const auto answer = Http().send({.url = server.url()});
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body, "direct");
}

TEST(Http, UploadsTheFirstBytesOfAFileAndAgainWhenTheConnectionWasStale) {
  const auto folder = TempFolder::make(fs::temp_directory_path(), "http-test-");
  std::string bytes(300000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31);
  ASSERT_TRUE(write_file(folder->path() / "file", bytes));
  const auto file = open_file(folder->path() / "file", O_RDONLY);
  Imposter server({"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", ok("done")});
  Http http;
  ASSERT_TRUE(http.send({.url = server.url()}));
  const auto answer =
      http.send({.method = "PUT", .url = server.url(), .upload_fd = file->get(), .upload_length = 299999});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body, "done");
  const auto seen = server.seen();
  EXPECT_EQ(seen.back().body, bytes.substr(0, 299999));
  EXPECT_NE(seen.back().head.find("Content-Length: 299999\r\n"), std::string::npos);
}

TEST(Http, SaysThatAFileShrank) {
  const auto folder = TempFolder::make(fs::temp_directory_path(), "http-test-");
  ASSERT_TRUE(write_file(folder->path() / "file", "short"));
  const auto file = open_file(folder->path() / "file", O_RDONLY);
  Imposter server({ok("")});
  const auto answer =
      Http().send({.method = "PUT", .url = server.url(), .upload_fd = file->get(), .upload_length = 6});
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::kCorrupt)) << answer.error().message();
}

TEST(Http, HandsADownloadOnAsItComes) {
  Imposter server({ok(std::string(100000, 'd')), "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"});
  Http http;
  std::size_t got = 0;
  const auto count = [&](std::string_view bytes) -> Status {
    got += bytes.size();
    return {};
  };
  auto answer = http.send({.url = server.url(), .download = count});
  ASSERT_TRUE(answer);
  EXPECT_EQ(got, 100000u);
  EXPECT_EQ(answer->body, "");
  answer = http.send({.url = server.url(), .download = count});
  EXPECT_EQ(got, 100000u) << "an error's text is no download";
  EXPECT_EQ(answer->body, "no");
}

TEST(Http, StopsWhenADownloadHasNowhereToGo) {
  Imposter server({ok("bytes")});
  const auto answer = Http().send({.url = server.url(), .download = [](std::string_view) -> Status {
                                     return Error(ErrorKind::kNoSpace, "full");
                                   }});
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::kNoSpace));
  EXPECT_EQ(answer.error().message(), "full");
}

TEST(Http, ReadsTheLengthOfAHeadAnswer) {
  Imposter server({"HTTP/1.1 200 OK\r\nContent-Length: 123\r\n\r\n"});
  const auto answer = Http().send({.method = "HEAD", .url = server.url()});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->headers.at("content-length"), "123");
}

TEST(Http, TellsNobodyThereFromTooSlow) {
  int port;
  {
    Imposter gone({ok("")});
    port = std::stoi(gone.url("").substr(17));
  }
  const auto refused = Http().send({.url = fmt::format("http://127.0.0.1:{}/", port)});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(ErrorKind::kUnavailable)) << refused.error().message();

  Imposter hangs_up({""});
  const auto cut = Http().send({.url = hangs_up.url("/path?secret=1")});
  ASSERT_FALSE(cut);
  EXPECT_TRUE(cut.error().is(ErrorKind::kUnavailable)) << cut.error().message();
  EXPECT_EQ(cut.error().message().find("secret"), std::string::npos) << "a query may hold a signature";

  Imposter slow({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"});
  const auto late = Http().send({.url = slow.url(), .idle_timeout = 1000ms});
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().is(ErrorKind::kTimeout)) << late.error().message();

  const auto wrong = Http().send({.url = "gopher://127.0.0.1/"});
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().is(ErrorKind::kInvalid)) << wrong.error().message();
}

TEST(Http, SpeaksOverAUnixSocket) {
  const auto folder = TempFolder::make(fs::temp_directory_path(), "http-test-");
  const std::string path = (folder->path() / "socket").string();
  Imposter server({ok("docker")}, path);
  const auto answer = Http().send({.url = "http://docker/version", .unix_socket = path});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body, "docker");
}

}  // namespace
}  // namespace sagelet::client
