#pragma once
// What runner and init say to each other over their socket pair.
#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.hpp"
#include "runner/sandbox/sandbox.hpp"

namespace sagelet::runner::wire {

enum class Ask : std::uint32_t { kRun = 1, kSignal = 2 };

struct Header {
  Ask ask;
  std::uint32_t number;  ///< kRun: bytes that follow; kSignal: the signal
};

/// init to runner: once after its setup (ok or errno and a text), then once a command.
struct Answer {
  std::int32_t error = 0;
  std::int32_t wait_status = 0;
  char text[184] = {};
};

std::string encode(const Command& command);
std::optional<Command> decode(std::string_view bytes);

Status send_run(int socket, const Command& command, int stdout_fd, int stderr_fd);
Status send_signal(int socket, int number);

struct Asked {
  Header header;
  UniqueFd stdout_fd, stderr_fd;
  std::string body;
};
/// Blocks for one whole message; nullopt when the other end is gone.
std::optional<Asked> receive(int socket);

bool send_answer(int socket, const Answer& answer);
std::optional<Answer> receive_answer(int socket);

}  // namespace sagelet::runner::wire
