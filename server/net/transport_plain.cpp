#include <sys/socket.h>

#include <cerrno>

#include "server/net/transport.hpp"

namespace sagelet::net {

namespace {

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(int fd) : fd_(fd) {}

  Move read(std::span<char> buffer) override {
    for (;;) {
      const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (count > 0) return {Moved::kSome, static_cast<std::size_t>(count)};
      if (count == 0) return {Moved::kEnd, 0};
      if (errno != EINTR) return {errno == EAGAIN ? Moved::kWantRead : Moved::kBroken, 0};
    }
  }

  Move write(std::string_view bytes, bool more) override {
    for (;;) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0));
      if (count >= 0) return {Moved::kSome, static_cast<std::size_t>(count)};
      if (errno != EINTR) return {errno == EAGAIN ? Moved::kWantWrite : Moved::kBroken, 0};
    }
  }

  void end_writing() override { ::shutdown(fd_, SHUT_WR); }
  bool is_plain() const override { return true; }

 private:
  int fd_;
};

}  // namespace

std::unique_ptr<Transport> plain_transport(int fd) {
  return std::make_unique<PlainTransport>(fd);
}

}  // namespace sagelet::net
