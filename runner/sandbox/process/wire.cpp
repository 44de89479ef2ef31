#include "runner/sandbox/process/wire.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace sagelet::runner::wire {
namespace {

void add_list(std::string& out, const std::vector<std::string>& list) {
  out.append(std::to_string(list.size())).push_back('\0');
  for (const std::string& item : list) out.append(item).push_back('\0');
}

/// Takes NUL-terminated texts off the front.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::optional<std::string> text() {
    const auto end = rest_.find('\0');
    if (end == rest_.npos) return std::nullopt;
    std::string out(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return out;
  }
  std::optional<std::vector<std::string>> list() {
    const auto count_text = text();
    std::size_t count = 0;
    if (!count_text ||
        std::from_chars(count_text->data(), count_text->data() + count_text->size(), count).ec != std::errc())
      return std::nullopt;
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; ++i) {
      auto item = text();
      if (!item) return std::nullopt;
      out.push_back(std::move(*item));
    }
    return out;
  }

 private:
  std::string_view rest_;
};

bool read_all(int socket, char* out, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(socket, out, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// The two descriptors of a control message, when there is one.
void take_descriptors(msghdr& message, Asked& asked) {
  const cmsghdr* control = CMSG_FIRSTHDR(&message);
  if (!control || control->cmsg_type != SCM_RIGHTS || control->cmsg_len != CMSG_LEN(2 * sizeof(int))) return;
  int fds[2];
  std::memcpy(fds, CMSG_DATA(control), sizeof fds);
  asked.stdout_fd.reset(fds[0]);
  asked.stderr_fd.reset(fds[1]);
}

}  // namespace

std::string encode(const Command& command) {
  std::string out = command.working_folder;
  out.push_back('\0');
  add_list(out, command.argv);
  add_list(out, command.environment);
  return out;
}

std::optional<Command> decode(std::string_view bytes) {
  Reader reader(bytes);
  auto folder = reader.text();
  auto argv = folder ? reader.list() : std::nullopt;
  auto environment = argv ? reader.list() : std::nullopt;
  if (!environment || argv->empty()) return std::nullopt;
  return Command{std::move(*argv), std::move(*environment), std::move(*folder)};
}

Status send_run(int socket, const Command& command, int stdout_fd, int stderr_fd) {
  const std::string body = encode(command);
  Header header{Ask::kRun, static_cast<std::uint32_t>(body.size())};
  const int fds[2] = {stdout_fd, stderr_fd};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)] = {};
  iovec part{&header, sizeof header};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* first = CMSG_FIRSTHDR(&message);
  first->cmsg_level = SOL_SOCKET;
  first->cmsg_type = SCM_RIGHTS;
  first->cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(first), fds, sizeof fds);
  if (::sendmsg(socket, &message, MSG_NOSIGNAL) != sizeof header || !send_all(socket, body))
    return Error::last("asking the sandbox to run a command");
  return {};
}

Status send_signal(int socket, int number) {
  const Header header{Ask::kSignal, static_cast<std::uint32_t>(number)};
  if (!send_all(socket, {reinterpret_cast<const char*>(&header), sizeof header}))
    return Error::last("asking the sandbox for a signal");
  return {};
}

std::optional<Asked> receive(int socket) {
  Asked asked{};
  iovec part{&asked.header, sizeof asked.header};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return std::nullopt;
  take_descriptors(message, asked);
  char* header = reinterpret_cast<char*>(&asked.header);
  const auto have = static_cast<std::size_t>(got);
  if (have < sizeof asked.header && !read_all(socket, header + have, sizeof asked.header - have))
    return std::nullopt;
  if (asked.header.ask == Ask::kRun) {
    asked.body.resize(asked.header.number);
    if (!read_all(socket, asked.body.data(), asked.body.size())) return std::nullopt;
  }
  return asked;
}

bool send_answer(int socket, const Answer& answer) {
  return send_all(socket, {reinterpret_cast<const char*>(&answer), sizeof answer});
}

std::optional<Answer> receive_answer(int socket) {
  Answer answer;
  if (!read_all(socket, reinterpret_cast<char*>(&answer), sizeof answer)) return std::nullopt;
  answer.text[sizeof answer.text - 1] = '\0';
  return answer;
}

}  // namespace sagelet::runner::wire
