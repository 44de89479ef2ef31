#include "base/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/fs.hpp"
#include "fmt/format.h"

namespace sagelet {

namespace {

int open_pidfd(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

/// The state letter and field 22 of /proc/<pid>/stat; the name in parentheses may hold anything.
struct ProcStat {
  char state = '?';
  std::uint64_t start_time = 0;
};
std::optional<ProcStat> read_stat(pid_t pid) {
  const auto text = read_file(fmt::format("/proc/{}/stat", pid), 4096);
  if (!text) return std::nullopt;
  const auto name_end = text->rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= text->size()) return std::nullopt;
  ProcStat out;
  out.state = (*text)[name_end + 2];
  const char* at = text->c_str() + name_end + 2;
  for (int field = 3; field < 22 && at; ++field) {
    at = std::strchr(at, ' ');
    if (at) ++at;
  }
  if (!at) return std::nullopt;
  out.start_time = std::strtoull(at, nullptr, 10);
  return out;
}

std::string_view value_of(const std::vector<std::string>& environment, std::string_view name) {
  for (const auto& entry : environment)
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return std::string_view(entry).substr(name.size() + 1);
  return {};
}

/// Looked up before the fork: between fork and exec nothing may allocate.
std::string look_up(const std::string& program, std::string_view path) {
  if (program.find('/') != std::string::npos) return program;
  while (!path.empty()) {
    const auto colon = path.find(':');
    const std::string candidate = fmt::format("{}/{}", path.substr(0, colon), program);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    if (colon == std::string_view::npos) break;
    path.remove_prefix(colon + 1);
  }
  return program;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const auto& text : strings) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> our_environment() {
  std::vector<std::string> out;
  for (char** entry = environ; entry && *entry; ++entry) out.emplace_back(*entry);
  return out;
}

/// Everything the child needs, made before the fork.
struct Plan {
  std::string program;
  std::vector<char*> argv, environment;
  const char* folder = nullptr;
  int fds[3] = {-1, -1, -1};
  std::vector<int> keep;  // sorted
  bool new_session = false;
  int error_pipe = -1;
};

/// A copy of `fd` that cannot collide with 0..2.
int above_standard(int fd) {
  return fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

void close_all_but(const std::vector<int>& keep) {
  unsigned from = 3;
  for (const int fd : keep) {
    if (fd < 3) continue;
    if (static_cast<unsigned>(fd) > from)
      ::syscall(SYS_close_range, from, fd - 1, 4u /* CLOSE_RANGE_CLOEXEC */);
    from = static_cast<unsigned>(fd) + 1;
  }
  ::syscall(SYS_close_range, from, ~0u, 4u);
}

/// In the child: only async-signal-safe calls from here to exec.
[[noreturn]] void become(const Plan& plan) {
  if (plan.new_session) ::setsid();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number = 1; number < NSIG; ++number)
    if (number != SIGKILL && number != SIGSTOP) ::signal(number, SIG_DFL);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const int copies[3] = {above_standard(plan.fds[0] >= 0 ? plan.fds[0] : null), above_standard(plan.fds[1]),
                         above_standard(plan.fds[2])};
  for (int i = 0; i < 3; ++i)
    if (copies[i] >= 0) ::dup2(copies[i], i);
  close_all_but(plan.keep);
  for (const int fd : plan.keep) ::fcntl(fd, F_SETFD, 0);
  if (!plan.folder || ::chdir(plan.folder) == 0)
    ::execve(plan.program.c_str(), plan.argv.data(), plan.environment.data());
  const int error = errno;
  [[maybe_unused]] const ssize_t n = ::write(plan.error_pipe, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

std::optional<ProcessId> ProcessId::of(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat) return std::nullopt;
  return ProcessId{pid, stat->start_time};
}

bool ProcessId::alive() const {
  const auto stat = pid > 0 ? read_stat(pid) : std::nullopt;
  return stat && stat->start_time == start_time && stat->state != 'Z' && stat->state != 'X';
}

bool ProcessId::signal(int number) const {
  const UniqueFd fd(open_pidfd(pid));  // pins the process, so that the check below stays true
  if (!fd || !alive()) return false;
  return ::syscall(SYS_pidfd_send_signal, fd.get(), number, nullptr, 0) == 0;
}

Result<Child> Child::start(const ChildOptions& options) {
  if (options.argv.empty()) return Error(ErrorKind::kInvalid, "no program to run");
  const std::vector<std::string> environment = options.environment ? *options.environment : our_environment();
  TRY(Pipe failed, make_pipe());
  Plan plan;
  plan.program = look_up(options.argv[0], value_of(environment, "PATH"));
  plan.argv = pointers(options.argv);
  plan.environment = pointers(environment);
  plan.folder = options.working_folder.empty() ? nullptr : options.working_folder.c_str();
  plan.fds[0] = options.stdin_fd;
  plan.fds[1] = options.stdout_fd;
  plan.fds[2] = options.stderr_fd;
  plan.keep = options.inherited_fds;
  std::sort(plan.keep.begin(), plan.keep.end());
  plan.new_session = options.new_session;
  plan.error_pipe = failed.write.get();

  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of ours runs in the child
  const pid_t pid = ::fork();
  if (pid == 0) become(plan);
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return Error::from_errno("fork", fork_error);

  failed.write.reset();
  int error = 0;
  const auto n = read_some(failed.read.get(), {reinterpret_cast<char*>(&error), sizeof error});
  if (n && *n == sizeof error) {
    ::waitpid(pid, nullptr, 0);
    return Error::from_errno(options.argv[0], error);
  }
  return Child(pid, UniqueFd(open_pidfd(pid)));
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)), ended_(other.ended_) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    Child old(std::move(*this));
    pid_ = std::exchange(other.pid_, 0);
    pidfd_ = std::move(other.pidfd_);
    ended_ = other.ended_;
  }
  return *this;
}

Child::~Child() {
  if (pid_ == 0 || ended_) return;
  signal(SIGKILL);
  (void)wait();
}

ProcessId Child::id() const {
  return ProcessId::of(pid_).value_or(ProcessId{pid_, 0});
}

void Child::signal(int number) {
  if (pid_ > 0 && !ended_) ::kill(pid_, number);  // unreaped, so the pid is still its own
}

std::optional<ExitStatus> Child::wait(std::optional<std::chrono::milliseconds> timeout) {
  if (ended_ || pid_ == 0) return ended_;
  if (timeout) {
    pollfd wanted{pidfd_.get(), POLLIN, 0};
    const auto deadline = std::chrono::steady_clock::now() + *timeout;
    int ready = 0;
    do {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      ready = ::poll(&wanted, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) return std::nullopt;
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0)
    if (errno != EINTR) return std::nullopt;
  ExitStatus out;
  if (WIFSIGNALED(status)) {
    out.signal = WTERMSIG(status);
    out.code = 128 + out.signal;
  } else {
    out.code = WEXITSTATUS(status);
  }
  ended_ = out;
  return ended_;
}

void Child::let_go() {
  pid_ = 0;
}

}  // namespace sagelet
