// A load generator that costs little: replays ready-made requests over keep-alive connections, one in flight
// each.
//
//   load HOST PORT FILE CONNECTIONS (seconds SECONDS | each)
//
// FILE holds requests, each a 32-bit little-endian length and that many bytes. `seconds` loops over them,
// `each` sends every one exactly once. One thread, epoll. Prints one JSON object: how many, how long,
// percentiles in microseconds, and the first answer that was not 2xx.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "load: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(2);
}

std::vector<std::string> read_requests(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> requests;
  for (std::size_t at = 0; at + 4 <= all.size();) {
    std::uint32_t length = 0;
    std::memcpy(&length, all.data() + at, 4);
    requests.push_back(all.substr(at + 4, length));
    at += 4 + length;
  }
  if (requests.empty()) die(std::string("no requests in ") + path);
  return requests;
}

/// Eats an answer's bytes; knows when it is complete. Bodies by length or chunked.
class Answer {
 public:
  Answer() = default;
  explicit Answer(bool to_head) : to_head_(to_head) {}
  /// How many of `bytes` belong to this answer; done() tells whether it is complete.
  std::size_t eat(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && state_ != State::kDone) {
      used += state_ == State::kBody ? eat_body(bytes.substr(used)) : eat_line(bytes.substr(used));
    }
    return used;
  }
  bool done() const { return state_ == State::kDone; }
  int status() const { return status_; }
  const std::string& start() const { return start_; }
  bool last() const { return last_; }

 private:
  enum class State { kStatus, kFields, kBody, kChunkSize, kChunkEnd, kTrailers, kDone };

  std::size_t eat_body(std::string_view bytes) {
    const auto take = std::min<std::uint64_t>(left_, bytes.size());
    left_ -= take;
    if (start_.size() < 400) start_.append(bytes.substr(0, std::min<std::size_t>(take, 400)));
    if (left_ == 0) state_ = chunked_ ? State::kChunkEnd : State::kDone;
    return take;
  }

  std::size_t eat_line(std::string_view bytes) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos) {
      line_.append(bytes);
      return bytes.size();
    }
    line_.append(bytes.substr(0, end));
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    on_line();
    line_.clear();
    return end + 1;
  }

  void on_line() {
    switch (state_) {
      case State::kStatus:
        status_ = line_.size() > 12 ? std::atoi(line_.c_str() + 9) : 0;
        state_ = State::kFields;
        return;
      case State::kFields:
        return line_.empty() ? end_of_head() : on_field();
      case State::kChunkSize:
        left_ = std::strtoull(line_.c_str(), nullptr, 16);
        state_ = left_ == 0 ? State::kTrailers : State::kBody;
        return;
      case State::kChunkEnd:
        state_ = State::kChunkSize;
        return;
      default:
        if (line_.empty()) state_ = State::kDone;
    }
  }

  void on_field() {
    const auto colon = line_.find(':');
    std::string name = line_.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (name == "content-length") left_ = std::strtoull(line_.c_str() + colon + 1, nullptr, 10);
    if (name == "transfer-encoding") chunked_ = true;
    if (name == "connection") last_ = line_.ends_with("close");
  }

  void end_of_head() {
    if (status_ == 100) {
      state_ = State::kStatus;
    } else if (to_head_) {
      state_ = State::kDone;
    } else if (chunked_) {
      state_ = State::kChunkSize;
    } else {
      state_ = left_ > 0 ? State::kBody : State::kDone;
    }
  }

  State state_ = State::kStatus;
  std::string line_, start_;
  std::uint64_t left_ = 0;
  bool to_head_ = false;
  bool chunked_ = false;
  bool last_ = false;  // on its connection
  int status_ = 0;
};

struct Connection {
  int fd = -1;
  const std::string* request = nullptr;
  std::size_t sent = 0;
  bool waits_for_room = false;
  Answer answer;
  Clock::time_point began;
};

class Load {
 public:
  Load(std::string host, int port, std::vector<std::string> requests) : requests_(std::move(requests)) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(static_cast<std::uint16_t>(port));
    if (inet_pton(AF_INET, host.c_str(), &address_.sin_addr) != 1) die("not an address: " + host);
  }

  void run(std::size_t connections, double seconds) {
    poll_ = epoll_create1(0);
    limit_ = seconds > 0 ? SIZE_MAX : requests_.size();
    connections_.resize(std::min(connections, limit_));
    began_ = Clock::now();
    end_ = began_ + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(seconds > 0 ? seconds : 3600));
    for (auto& connection : connections_) {
      open(connection);
      next(connection);
    }
    while (in_flight_ > 0) wait();
    took_ = std::chrono::duration<double>(Clock::now() - began_).count();
  }

  void print() {
    std::sort(micros_.begin(), micros_.end());
    const auto at = [&](double part) {
      return micros_.empty() ? 0.0 : micros_[static_cast<std::size_t>((micros_.size() - 1) * part)];
    };
    std::printf(
        "{\"requests\": %zu, \"bad\": %zu, \"seconds\": %.6f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
        "\"max_us\": %.1f}\n",
        micros_.size(), bad_, took_, at(0.5), at(0.99), at(1.0));
    if (bad_ > 0) std::fprintf(stderr, "load: first bad answer: %s\n", first_bad_.c_str());
  }

 private:
  void open(Connection& connection) {
    connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int one = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(connection.fd, reinterpret_cast<sockaddr*>(&address_), sizeof address_) != 0) die("connect");
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, connection.fd, &event);
  }

  void wait_for(Connection& connection, bool room) {
    if (std::exchange(connection.waits_for_room, room) == room) return;
    epoll_event event{.events = EPOLLIN | (room ? EPOLLOUT : 0u), .data = {.ptr = &connection}};
    epoll_ctl(poll_, EPOLL_CTL_MOD, connection.fd, &event);
  }

  void next(Connection& connection) {
    if (started_ >= limit_ || Clock::now() >= end_) {
      connection.request = nullptr;
      return;
    }
    connection.request = &requests_[started_++ % requests_.size()];
    connection.answer = Answer(connection.request->starts_with("HEAD "));
    connection.began = Clock::now();
    connection.sent = 0;
    ++in_flight_;
    send_more(connection);
  }

  /// As much as the socket takes; the rest when there is room.
  void send_more(Connection& connection) {
    const auto& bytes = *connection.request;
    while (connection.sent < bytes.size()) {
      const auto count = send(connection.fd, bytes.data() + connection.sent, bytes.size() - connection.sent,
                              MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0 && errno != EAGAIN) die("send");
      if (count < 0) return wait_for(connection, true);
      connection.sent += static_cast<std::size_t>(count);
    }
    wait_for(connection, false);
  }

  void wait() {
    epoll_event events[256];
    const int count = epoll_wait(poll_, events, 256, 30000);
    if (count == 0) die("no answer for 30 s");
    for (int i = 0; i < count; ++i) {
      auto& connection = *static_cast<Connection*>(events[i].data.ptr);
      if (events[i].events & EPOLLOUT) send_more(connection);
      if (events[i].events & ~EPOLLOUT) receive(connection);
    }
  }

  void receive(Connection& connection) {
    static char buffer[1 << 18];
    const auto count = recv(connection.fd, buffer, sizeof buffer, 0);
    if (count <= 0) {
      if (connection.request != nullptr) die("the server closed a connection in mid-answer");
      epoll_ctl(poll_, EPOLL_CTL_DEL, connection.fd, nullptr);
      return;
    }
    connection.answer.eat({buffer, static_cast<std::size_t>(count)});
    if (connection.answer.done()) finish(connection);
  }

  void finish(Connection& connection) {
    --in_flight_;
    micros_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - connection.began).count());
    if (connection.answer.status() / 100 != 2) {
      if (bad_++ == 0)
        first_bad_ = std::to_string(connection.answer.status()) + " " + connection.answer.start();
    }
    if (connection.answer.last()) {
      close(connection.fd);
      open(connection);
    }
    next(connection);
  }

  sockaddr_in address_{};
  std::vector<std::string> requests_;
  std::vector<Connection> connections_;
  int poll_ = -1;
  std::size_t started_ = 0, limit_ = 0, in_flight_ = 0, bad_ = 0;
  std::vector<double> micros_;
  std::string first_bad_;
  Clock::time_point began_, end_;
  double took_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: load HOST PORT FILE CONNECTIONS (seconds SECONDS | each)\n");
    return 2;
  }
  Load load(argv[1], std::atoi(argv[2]), read_requests(argv[3]));
  load.run(static_cast<std::size_t>(std::atoi(argv[4])), argc > 6 ? std::atof(argv[6]) : 0);
  load.print();
  return 0;
}
