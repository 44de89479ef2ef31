// The client and the fakes of fake_exchange.hpp.
#include "server/net/fake_exchange.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "server/net/listener.hpp"

namespace sagelet::net::testing {

namespace {

UniqueFd connect_to(std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to the server of this test");
  const int at_once = 1;  // what is sent byte by byte comes byte by byte
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  const timeval patience{10, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

std::string field_of(const std::string& head, std::string_view name) {
  const std::size_t at = head.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) return "";
  const std::size_t start = at + name.size() + 4;
  return head.substr(start, head.find("\r\n", start) - start);
}

}  // namespace

bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

bool Answer::has(std::string_view line) const {
  return ("\r\n" + head).find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

Client::Client(std::uint16_t port) : fd_(connect_to(port)) {}

void Client::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

bool Client::more() {
  char piece[65536];
  const ssize_t count = ::recv(fd_.get(), piece, sizeof piece, 0);
  if (count > 0) buffer_.append(piece, static_cast<std::size_t>(count));
  return count > 0;
}

std::string Client::take(std::size_t bytes) {
  while (buffer_.size() < bytes && more()) {
  }
  std::string taken = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return taken;
}

std::string Client::until(std::string_view end) {
  std::size_t at = 0;
  while ((at = buffer_.find(end)) == std::string::npos)
    if (!more()) return "";
  return take(at + end.size());
}

std::string Client::take_line() {
  return until("\r\n");
}

Answer Client::receive(bool is_head) {
  Answer answer;
  for (std::string line; !(line = take_line()).empty() && line != "\r\n";) answer.head += line;
  if (answer.head.size() > 12) answer.status = std::atoi(answer.head.substr(9, 3).c_str());
  if (is_head || answer.status < 200 || answer.status == 204 || answer.status == 304) return answer;
  const std::string length = field_of(answer.head, "Content-Length");
  if (!length.empty()) {
    answer.body = take(std::stoul(length));
  } else if (field_of(answer.head, "Transfer-Encoding") == "chunked") {
    for (std::size_t size = 1; size != 0; take(2)) {
      size = std::stoul("0" + take_line(), nullptr, 16);
      answer.body += take(size);
    }
  } else {
    answer.body = rest();
  }
  return answer;
}

std::string Client::rest() {
  errno = 0;
  while (more()) {
  }
  if (errno == EAGAIN) buffer_ += "<timeout>";
  if (errno == ECONNRESET) buffer_ += "<reset>";
  return std::exchange(buffer_, "");
}

void Client::end_writing() const {
  ::shutdown(fd_.get(), SHUT_WR);
}

FakeUpstream::FakeUpstream(std::function<void(Client&)> serve)
    : listener_(*listen_on("127.0.0.1", 0)), port_(port_of(listener_.get())) {
  ::fcntl(listener_.get(), F_SETFL, 0);
  thread_ = std::thread([this, serve = std::move(serve)] {
    Client client(UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
    if (client.fd() >= 0) serve(client);
  });
}

FakeUpstream::~FakeUpstream() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

std::shared_ptr<const UniqueFd> file_of(std::string_view bytes) {
  auto file = std::make_shared<UniqueFd>(::memfd_create("net_test", MFD_CLOEXEC));
  if (!write_all(file->get(), bytes)) throw std::runtime_error("cannot write a test's file");
  return file;
}

}  // namespace sagelet::net::testing
