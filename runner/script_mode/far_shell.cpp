#include "runner/script_mode/far_shell.hpp"

#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <thread>

#include "base/socket.hpp"

namespace sagelet::script_mode {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::hours kWaitForWorkers{1};  // as the toolkit's
constexpr std::chrono::seconds kLastChildren{10};
constexpr std::size_t kLongestCommand = 4u << 20;
constexpr int kSaidDone = 77;  // a session's exit code: the first host is done

/// On the wire: a kind, a length, bytes. Both ends are on one machine.
enum class Kind : std::uint32_t { kKey, kRun, kDone, kOut, kErr, kExit };

struct Head {
  Kind kind;
  std::uint32_t size;
};

bool send(int socket, Kind kind, std::string_view bytes) {
  const Head head{kind, static_cast<std::uint32_t>(bytes.size())};
  return send_all(socket, std::string(bytes_of(head)).append(bytes)).has_value();
}

struct Message {
  Kind kind;
  std::string bytes;
};

std::optional<Message> receive(int socket) {
  Head head;
  if (!receive_all(socket, room_of(head)) || head.size > kLongestCommand) return std::nullopt;
  Message message{head.kind, std::string(head.size, '\0')};
  if (!receive_all(socket, message.bytes)) return std::nullopt;
  return message;
}

/// Of this process's job.
FarShell from_environment() {
  FarShell shell;
  const char* value = std::getenv(kFarShellVariable);
  const std::string text = value ? value : "";
  if (const auto colon = text.find(':'); colon != text.npos) {
    shell.port = std::atoi(text.c_str());
    shell.key = text.substr(colon + 1);
  }
  return shell;
}

/// A socket for `host`, bound to it or connected.
UniqueFd socket_at(const std::string& host, int port, bool listens) {
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_family = AF_INET;
  wanted.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found) != 0) return {};
  UniqueFd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (listens) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const int done = listens ? ::bind(fd.get(), found->ai_addr, found->ai_addrlen)
                           : ::connect(fd.get(), found->ai_addr, found->ai_addrlen);
  const bool good = done == 0 && (!listens || ::listen(fd.get(), 64) == 0);
  ::freeaddrinfo(found);
  return good ? std::move(fd) : UniqueFd();
}

UniqueFd connect_within(const std::string& host, int port, Clock::duration time) {
  const auto until = Clock::now() + time;
  while (true) {
    if (auto fd = socket_at(host, port, false)) return fd;
    if (Clock::now() >= until) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void usual_signals() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGCHLD}) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

int exit_code(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/// In a shell of its own session, as sshd starts one: a signal to the job's group does not end it, mpirun
/// does.
pid_t start_shell(const std::string& line, const Pipe& out, const Pipe& err) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::setsid();
  usual_signals();
  ::dup2(out.write.get(), 1);
  ::dup2(err.write.get(), 2);
  ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
  ::_exit(127);
}

/// One connection, in a process of its own. Gives the process's exit code.
int serve_session(int socket, const std::string& key) {
  const auto hello = receive(socket);
  if (!hello || hello->kind != Kind::kKey || hello->bytes != key) return 1;
  const auto asked = receive(socket);
  if (!asked) return 1;
  if (asked->kind == Kind::kDone) return kSaidDone;
  auto out = make_pipe(), err = make_pipe();
  if (asked->kind != Kind::kRun || !out || !err) return 1;
  const pid_t shell = start_shell(asked->bytes, *out, *err);
  out->write.reset();
  err->write.reset();
  std::array<pollfd, 2> sources{{{out->read.get(), POLLIN, 0}, {err->read.get(), POLLIN, 0}}};
  std::string buffer(1 << 16, '\0');
  while (sources[0].fd >= 0 || sources[1].fd >= 0) {
    if (::poll(sources.data(), sources.size(), -1) < 0) continue;
    for (pollfd& source : sources) {
      if (source.revents == 0) continue;
      const ssize_t got = ::read(source.fd, buffer.data(), buffer.size());
      const Kind kind = &source == sources.data() ? Kind::kOut : Kind::kErr;
      if (got <= 0 || !send(socket, kind, {buffer.data(), static_cast<std::size_t>(got)})) source.fd = -1;
    }
  }
  int status = 0;
  ::waitpid(shell, &status, 0);
  send(socket, Kind::kExit, std::to_string(exit_code(status)));
  return 0;
}

/// From now on ends and stops are read, not delivered.
UniqueFd signals_to_read() {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&mask, number);
  ::sigprocmask(SIG_BLOCK, &mask, nullptr);
  return UniqueFd(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
}

class Worker {
 public:
  Worker(UniqueFd socket, std::string key)
      : socket_(std::move(socket)), key_(std::move(key)), signals_(signals_to_read()) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // a daemon of MPI that went into the background is ours to wait for
  }

  int serve() {
    while (true) {
      std::array<pollfd, 2> fds{{{socket_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
      const int ready = ::poll(fds.data(), fds.size(), milliseconds_left());
      if (ready > 0 && fds[1].revents) note(signals_.get());
      if (ready > 0 && fds[0].revents) accept();
      reap();
      const bool late = until_ && Clock::now() >= *until_;
      if (done_ && (!has_children_ || late)) return 0;
      if (stopped_ && !has_children_) return 0;
    }
  }

 private:
  int milliseconds_left() const {
    if (!until_) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until_ - Clock::now()).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
  }

  void note(int signals) {
    signalfd_siginfo info;
    while (::read(signals, &info, sizeof info) == sizeof info)
      if (info.ssi_signo != SIGCHLD) stopped_ = true;
  }

  void accept() {
    const UniqueFd peer(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer) return;
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(serve_session(peer.get(), key_));
    sessions_.insert(pid);
    has_children_ = true;
  }

  void reap() {
    int status;
    pid_t pid;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (sessions_.erase(pid) == 0 || !WIFEXITED(status) || WEXITSTATUS(status) != kSaidDone) continue;
      done_ = true;
      until_ = Clock::now() + kLastChildren;
    }
    if (pid < 0) has_children_ = false;
  }

  UniqueFd socket_;
  const std::string key_;
  const UniqueFd signals_;
  std::set<pid_t> sessions_;
  std::optional<Clock::time_point> until_;
  bool done_ = false, stopped_ = false, has_children_ = false;
};

int say(const char* what, const std::string& host) {
  std::fprintf(stderr, "[sagelet] MPI: %s %s\n", what, host.c_str());
  return 255;  // as ssh
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

/// As that command ended: its code, or its signal.
int end_like(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    ::signal(WTERMSIG(wait_status), SIG_DFL);
    ::raise(WTERMSIG(wait_status));
  }
  return exit_code(wait_status);
}

}  // namespace

int serve_commands(const std::string& host) {
  const FarShell shell = from_environment();
  UniqueFd socket = socket_at(host, shell.port, true);
  if (!socket || shell.key.empty()) return say("cannot listen as", host);
  Worker worker(std::move(socket), shell.key);
  std::printf("[sagelet] MPI: %s waits for its leader\n", host.c_str());
  std::fflush(stdout);
  return worker.serve();
}

int run_there(const std::string& host, const std::vector<std::string>& words) {
  const FarShell shell = from_environment();
  const UniqueFd socket = connect_within(host, shell.port, std::chrono::seconds(30));
  if (!socket) return say("there is no answer from", host);
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  if (!send(socket.get(), Kind::kKey, shell.key) || !send(socket.get(), Kind::kRun, line))
    return say("no command reaches", host);
  while (const auto message = receive(socket.get())) {
    if (message->kind == Kind::kExit) return std::atoi(message->bytes.c_str());
    std::FILE* out = message->kind == Kind::kErr ? stderr : stdout;
    std::fwrite(message->bytes.data(), 1, message->bytes.size(), out);
    std::fflush(out);
  }
  return say("the connection ended to", host);
}

int lead(const std::string& workers, const std::vector<std::string>& command) {
  const FarShell shell = from_environment();
  std::vector<std::string> hosts;
  std::istringstream list(workers);
  for (std::string host; std::getline(list, host, ',');) hosts.push_back(host);
  for (const std::string& host : hosts)
    if (!connect_within(host, shell.port, kWaitForWorkers)) return say("there is no answer from", host);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const auto argv = pointers(command);
    ::execvp(argv[0], argv.data());
    std::fprintf(stderr, "%s: %s\n", argv[0], std::strerror(errno));
    ::_exit(127);
  }
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::signal(number, SIG_IGN);  // the command has them too
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  for (const std::string& host : hosts)
    if (const auto socket = connect_within(host, shell.port, std::chrono::seconds(1)))
      if (send(socket.get(), Kind::kKey, shell.key)) send(socket.get(), Kind::kDone, "");
  return end_like(status);
}

}  // namespace sagelet::script_mode
