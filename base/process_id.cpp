// ProcessId, declared in child.hpp.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>

#include "base/child.hpp"
#include "base/fs.hpp"
#include "fmt/format.h"

namespace sagelet {

namespace {

struct Stat {
  char state = '?';
  std::uint64_t start_time = 0;
};

std::optional<Stat> read_stat(pid_t pid) {
  if (pid <= 0) return std::nullopt;
  const auto text = read_file(fmt::format("/proc/{}/stat", pid));
  if (!text) return std::nullopt;
  // The second field is the program's name in parentheses and may hold anything, parentheses too.
  const auto end_of_name = text->rfind(')');
  if (end_of_name == std::string::npos || end_of_name + 2 >= text->size()) return std::nullopt;
  std::string_view rest = std::string_view(*text).substr(end_of_name + 2);
  Stat stat;
  stat.state = rest.front();
  for (int field = 3; field < 22; ++field) {
    const auto blank = rest.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(blank + 1);
  }
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), stat.start_time);
  return parsed.ec == std::errc() ? std::optional(stat) : std::nullopt;
}

}  // namespace

std::optional<ProcessId> ProcessId::of(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat) return std::nullopt;
  return ProcessId{pid, stat->start_time};
}

bool ProcessId::alive() const {
  const auto stat = read_stat(pid);
  return stat && stat->start_time == start_time && stat->state != 'Z' && stat->state != 'X';
}

bool ProcessId::signal(int number) const {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
  if (!pidfd || !alive()) return false;  // in this order: what is alive now is what the descriptor means
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0U) == 0;
}

}  // namespace sagelet
