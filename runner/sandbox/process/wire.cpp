#include "runner/sandbox/process/wire.hpp"

#include <array>
#include <charconv>

#include "base/socket.hpp"

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
  const Header header{Ask::kRun, static_cast<std::uint32_t>(body.size())};
  const std::array<int, 2> fds{stdout_fd, stderr_fd};
  Status sent = send_with(socket, bytes_of(header), fds);
  if (sent) sent = send_all(socket, body);
  if (!sent) return std::move(sent.error()).context("asking the sandbox to run a command");
  return {};
}

Status send_signal(int socket, int number) {
  const Header header{Ask::kSignal, static_cast<std::uint32_t>(number)};
  Status sent = send_all(socket, bytes_of(header));
  if (!sent) return std::move(sent.error()).context("asking the sandbox for a signal");
  return {};
}

std::optional<Asked> receive(int socket) {
  Asked asked{};
  auto fds = receive_with(socket, room_of(asked.header));
  if (!fds) return std::nullopt;
  if (fds->size() == 2) {
    asked.stdout_fd = std::move(fds->front());
    asked.stderr_fd = std::move(fds->back());
  }
  if (asked.header.ask == Ask::kRun) {
    asked.body.resize(asked.header.number);
    if (!receive_all(socket, asked.body)) return std::nullopt;
  }
  return asked;
}

bool send_answer(int socket, const Answer& answer) {
  return send_all(socket, bytes_of(answer)).has_value();
}

std::optional<Answer> receive_answer(int socket) {
  Answer answer;
  if (!receive_all(socket, room_of(answer))) return std::nullopt;
  answer.text[sizeof answer.text - 1] = '\0';
  return answer;
}

}  // namespace sagelet::runner::wire
