#pragma once
// A server for tests that answers as it is told. One thread, one connection at a time is enough for one
// client.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.hpp"

namespace sagelet::runner {

struct Heard {
  std::string line;  ///< "PUT /b/k HTTP/1.1"
  std::string head;
  std::string body;
};

/// 200 with a body; status 0 closes the connection without a word.
struct Say {
  int status = 200;
  std::string body;
};

class Imposter {
 public:
  using Script = std::function<Say(const Heard&)>;

  explicit Imposter(Script script)
      : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 16) != 0)
      std::abort();
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Imposter() {
    ended_ = true;
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<Heard> heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  void serve() {
    std::vector<std::thread> talks;
    while (!ended_) {
      pollfd poll{listener_.get(), POLLIN, 0};
      if (::poll(&poll, 1, 20) <= 0) continue;
      talks.emplace_back([this, fd = ::accept(listener_.get(), nullptr, nullptr)] { talk(UniqueFd(fd)); });
    }
    for (std::thread& talk : talks) talk.join();
  }

  void talk(UniqueFd fd) {
    std::string bytes;
    while (!ended_) {
      Heard heard;
      while (!take(bytes, heard)) {
        pollfd poll{fd.get(), POLLIN, 0};
        char buffer[65536];
        if (::poll(&poll, 1, 20) > 0) {
          const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
          if (got <= 0) return;
          bytes.append(buffer, static_cast<std::size_t>(got));
        } else if (ended_) {
          return;
        }
      }
      Say say;
      {
        const std::lock_guard lock(mutex_);
        say = script_(heard);
        heard_.push_back(std::move(heard));
      }
      if (say.status == 0) return;
      const std::string answer = "HTTP/1.1 " + std::to_string(say.status) +
                                 " X\r\nETag: \"e\"\r\nContent-Length: " + std::to_string(say.body.size()) +
                                 "\r\n\r\n" + say.body;
      if (!write_all(fd.get(), answer)) return;
    }
  }

  /// One whole request off the front.
  static bool take(std::string& bytes, Heard& heard) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == bytes.npos) return false;
    const auto length_at = bytes.find("Content-Length: ");
    const std::size_t length =
        length_at < end ? std::strtoull(bytes.c_str() + length_at + 16, nullptr, 10) : 0;
    if (bytes.size() < end + 4 + length) return false;
    heard.line = bytes.substr(0, bytes.find("\r\n"));
    heard.head = bytes.substr(0, end);
    heard.body = bytes.substr(end + 4, length);
    bytes.erase(0, end + 4 + length);
    return true;
  }

  Script script_;
  UniqueFd listener_;
  int port_ = 0;
  std::atomic<bool> ended_{false};
  std::mutex mutex_;
  std::vector<Heard> heard_;
  std::thread thread_;
};

}  // namespace sagelet::runner
