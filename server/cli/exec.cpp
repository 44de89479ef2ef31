#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "base/child.hpp"
#include "fmt/format.h"
#include "server/cli/commands.hpp"
#include "server/cli/exec_parent.hpp"
#include "server/cli/pointing.hpp"
#include "server/cli/terminal.hpp"

namespace sagelet::cli {

namespace {

constexpr auto kStopPatience = std::chrono::seconds(30);
constexpr std::string_view kReady = "sagelet ready ";

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT as a descriptor for as long as it lives.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&set_, number);
    ::sigprocmask(SIG_BLOCK, &set_, &old_);
    fd_ = UniqueFd(::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~Signals() { ::sigprocmask(SIG_SETMASK, &old_, nullptr); }
  int fd() const { return fd_.get(); }

  struct Came {
    int number;
    bool from_terminal;  ///< Ctrl-C: the whole foreground group has it already
  };
  std::optional<Came> next() const {
    signalfd_siginfo info{};
    if (::read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
    return Came{static_cast<int>(info.ssi_signo), info.ssi_code == SI_KERNEL};
  }

 private:
  sigset_t set_{}, old_{};
  UniqueFd fd_;
};

std::vector<std::string> pairs_of(const Environment& environment) {
  std::vector<std::string> out;
  for (const auto& [name, value] : environment) out.push_back(name + "=" + value);
  return out;
}

struct Server {
  Child child;
  UniqueFd output;  ///< its stdout; the ready line comes there
};

Result<Server> start_server(const ExecOptions& options, const Environment& base) {
  TRY(auto pipe, make_pipe());
  ChildOptions start;
  start.argv = {"/proc/self/exe", "serve", "--port", "0"};
  if (!options.keeps_data) start.argv.emplace_back("--ephemeral");
  start.argv.insert(start.argv.end(), options.serve_words.begin(), options.serve_words.end());
  auto environment = base;
  environment[kExecParent] = std::to_string(::getpid());
  start.environment = pairs_of(environment);
  start.stdout_fd = pipe.write.get();
  start.new_session = true;  // Ctrl-C is the command's; the server is stopped by us, after it
  TRY(auto child, Child::start(start));
  return Server{std::move(child), std::move(pipe.read)};
}

/// The URL; an exit code when the server ended, or we are told to, before it was ready.
struct Ready {
  std::string url;
  int code = kOk;
};

std::optional<std::string> url_in(std::string_view said) {
  const auto at = said.find(kReady);
  const auto end = at == std::string_view::npos ? at : said.find('\n', at);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(said.substr(at + kReady.size(), end - at - kReady.size()));
}

Ready wait_until_ready(Server& server, const Signals& signals) {
  std::string said;
  while (true) {
    std::array<pollfd, 2> waited{{{server.output.get(), POLLIN, 0}, {signals.fd(), POLLIN, 0}}};
    if (::poll(waited.data(), waited.size(), -1) < 0) continue;
    if (const auto came = signals.next()) return {"", 128 + came->number};
    if (waited[0].revents == 0) continue;
    char buffer[4096];
    const auto size = read_some(server.output.get(), buffer).value_or(0);
    if (size == 0) break;  // it has said why on stderr
    said.append(buffer, size);
    if (auto url = url_in(said)) return {std::move(*url)};
  }
  const auto end = server.child.wait(kStopPatience);
  return {"", end && end->code != 0 ? end->code : static_cast<int>(kCannotStart)};
}

void stop_server(Server& server) {
  server.child.signal(SIGTERM);
  if (!server.child.wait(kStopPatience))
    fmt::print(stderr, "sagelet: the server did not stop and was killed\n");
}

Result<Child> start_command(const ExecOptions& options, const Environment& environment) {
  ChildOptions start;
  start.argv = options.command;
  start.environment = pairs_of(environment);
  start.stdin_fd = STDIN_FILENO;
  return Child::start(start);
}

int exit_code(const ExitStatus& end) {
  return end.signal != 0 ? 128 + end.signal : end.code;
}

int wait_for_command(Child& command, Server& server, const Signals& signals) {
  bool server_lives = true;
  while (true) {
    std::array<pollfd, 3> waited{{{command.pidfd(), POLLIN, 0},
                                  {signals.fd(), POLLIN, 0},
                                  {server_lives ? server.child.pidfd() : -1, POLLIN, 0}}};
    if (::poll(waited.data(), waited.size(), -1) < 0) continue;
    if (waited[0].revents != 0) return exit_code(command.wait().value_or(ExitStatus{kFailed, 0}));
    if (waited[2].revents != 0) {
      server_lives = false;
      fmt::print(stderr, "sagelet: the server ended before the command did\n");
    }
    while (const auto came = signals.next())
      if (!came->from_terminal) command.signal(came->number);
  }
}

int run_against(const ExecOptions& options, Server& server, const std::string& url, const Environment& base,
                const Signals& signals) {
  const auto facts = facts_of({url}, base);
  if (!facts) return report(facts.error());
  auto command = start_command(options, applied(base, point_at(base, *facts)));
  if (!command) {
    fmt::print(stderr, "sagelet: {}\n", command.error().message());
    return kNotRun;
  }
  return wait_for_command(*command, server, signals);
}

}  // namespace

int exec(const ExecOptions& options) {
  const Signals signals;
  const auto base = before(environment_of_process());
  auto server = start_server(options, base);
  if (!server) {
    fmt::print(stderr, "sagelet: {}\n", server.error().message());
    return kCannotStart;
  }
  const auto ready = wait_until_ready(*server, signals);
  const int code = ready.url.empty() ? ready.code : run_against(options, *server, ready.url, base, signals);
  stop_server(*server);
  return code;
}

}  // namespace sagelet::cli
