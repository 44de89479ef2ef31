#include "base/socket.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace sagelet {
namespace {

constexpr std::size_t kControl = CMSG_SPACE(kMostDescriptors * sizeof(int));

/// A message of one part whose descriptors fit in `control`.
msghdr message_of(iovec& part, char* control) {
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = kControl;
  return message;
}

std::vector<UniqueFd> descriptors_of(const msghdr& message) {
  std::vector<UniqueFd> out;
  const cmsghdr* first = CMSG_FIRSTHDR(&message);
  if (first == nullptr || first->cmsg_level != SOL_SOCKET || first->cmsg_type != SCM_RIGHTS) return out;
  for (std::size_t at = 0; CMSG_LEN(at + sizeof(int)) <= first->cmsg_len; at += sizeof(int)) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(first) + at, sizeof fd);
    out.emplace_back(fd);
  }
  return out;
}

}  // namespace

Result<SocketPair> make_socket_pair(int type) {
  int ends[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) return Error::last("socketpair");
  return SocketPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Status send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return Error::last("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

bool receive_all(int socket, std::span<char> room) {
  while (!room.empty()) {
    const ssize_t got = ::recv(socket, room.data(), room.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    room = room.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

Status send_with(int socket, std::string_view bytes, std::span<const int> descriptors) {
  if (descriptors.empty()) return send_all(socket, bytes);
  if (descriptors.size() > kMostDescriptors) return Error(ErrorKind::kInvalid, "too many descriptors");
  alignas(cmsghdr) char control[kControl] = {};
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message = message_of(part, control);
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* first = CMSG_FIRSTHDR(&message);
  first->cmsg_level = SOL_SOCKET;
  first->cmsg_type = SCM_RIGHTS;
  first->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(first), descriptors.data(), descriptors.size_bytes());
  ssize_t sent;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return Error::last("sendmsg");
  return send_all(socket, bytes.substr(static_cast<std::size_t>(sent)));
}

Result<std::vector<UniqueFd>> receive_with(int socket, std::span<char> room) {
  alignas(cmsghdr) char control[kControl] = {};
  iovec part{room.data(), room.size()};
  msghdr message = message_of(part, control);
  ssize_t got;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return Error::last("recvmsg");
  auto descriptors = descriptors_of(message);
  if (!receive_all(socket, room.subspan(static_cast<std::size_t>(got))))
    return Error(ErrorKind::kUnavailable, "the other end is gone");
  return descriptors;
}

}  // namespace sagelet
