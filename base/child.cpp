#include "base/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/fs.hpp"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

namespace sagelet {

namespace {

/// Everything the new process does between vfork and exec, made ready before: it may not allocate.
struct Plan {
  std::vector<char*> argv;
  std::vector<char*> environment;
  std::vector<std::string> programs;  ///< tried in this order
  std::vector<const char*> program_texts;
  const ChildOptions* options = nullptr;
  int stdio[3] = {-1, -1, -1};
  int complain = -1;  ///< takes the errno of what went wrong
};

std::string_view path_of(const ChildOptions& options) {
  constexpr std::string_view kDefault = "/usr/local/bin:/usr/bin:/bin";
  if (!options.environment) {
    const char* path = ::getenv("PATH");
    return path ? std::string_view(path) : kDefault;
  }
  for (const std::string& entry : *options.environment)
    if (entry.starts_with("PATH=")) return std::string_view(entry).substr(5);
  return kDefault;
}

std::vector<std::string> programs_of(const ChildOptions& options) {
  const std::string& name = options.argv.front();
  if (name.find('/') != std::string::npos) return {name};
  std::vector<std::string> out;
  std::string_view path = path_of(options);
  while (true) {
    const auto colon = path.find(':');
    const std::string_view folder = path.substr(0, colon);
    out.push_back(std::string(folder.empty() ? "." : folder) + "/" + name);
    if (colon == std::string_view::npos) return out;
    path.remove_prefix(colon + 1);
  }
}

std::vector<char*> texts_of(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& text : strings) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

[[noreturn]] void complain_and_exit(const Plan& plan) {
  const int error = errno;
  [[maybe_unused]] const ssize_t n = ::write(plan.complain, &error, sizeof error);
  ::_exit(127);
}

void reset_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    ::sigaction(number, &standard, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Copies first, so that a source which is itself 0, 1 or 2 is not overwritten before its turn.
bool place_stdio(const Plan& plan) {
  int copies[3];
  for (int i = 0; i < 3; ++i) {
    copies[i] = plan.stdio[i] < 0 ? -1 : ::fcntl(plan.stdio[i], F_DUPFD_CLOEXEC, 3);
    if (plan.stdio[i] >= 0 && copies[i] < 0) return false;
  }
  for (int i = 0; i < 3; ++i)
    if (copies[i] >= 0 && ::dup2(copies[i], i) < 0) return false;
  return true;
}

[[noreturn]] void become(const Plan& plan) {
  const ChildOptions& options = *plan.options;
  if (options.new_session) ::setsid();
  if (options.dies_with_us) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!place_stdio(plan)) complain_and_exit(plan);
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const int fd : options.inherited_fds)
    if (::fcntl(fd, F_SETFD, 0) < 0) complain_and_exit(plan);
  if (!options.working_folder.empty() && ::chdir(options.working_folder.c_str()) != 0)
    complain_and_exit(plan);
  reset_signals();
  char* const* environment = options.environment ? plan.environment.data() : ::environ;
  int denied = 0;
  for (const char* program : plan.program_texts) {
    ::execve(program, plan.argv.data(), environment);
    if (errno == EACCES) denied = EACCES;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) complain_and_exit(plan);
  }
  errno = denied ? denied : ENOENT;
  complain_and_exit(plan);
}

/// The child borrows our memory until it execs; signals are held back meanwhile so that no handler of ours
/// runs there.
pid_t launch(const Plan& plan) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const pid_t pid = ::vfork();
#pragma GCC diagnostic pop
  if (pid == 0) become(plan);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

Plan plan_for(const ChildOptions& options, int null_fd, int complain) {
  Plan plan;
  plan.options = &options;
  plan.argv = texts_of(options.argv);
  if (options.environment) plan.environment = texts_of(*options.environment);
  plan.programs = programs_of(options);
  for (const std::string& program : plan.programs) plan.program_texts.push_back(program.c_str());
  plan.stdio[0] = options.stdin_fd >= 0 ? options.stdin_fd : null_fd;
  plan.stdio[1] = options.stdout_fd;
  plan.stdio[2] = options.stderr_fd;
  plan.complain = complain;
  return plan;
}

int open_pidfd(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U));
}

void reap(pid_t pid, int* status) {
  while (::waitpid(pid, status, 0) < 0 && errno == EINTR) {
  }
}

/// False when `timeout` passed first.
bool await_end(int pidfd, std::optional<std::chrono::milliseconds> timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout.value_or(std::chrono::milliseconds(0));
  while (true) {
    int left = -1;
    if (timeout) {
      const auto rest =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      left = static_cast<int>(std::clamp<std::int64_t>(rest.count(), 0, 1 << 30));
    }
    pollfd ended{pidfd, POLLIN, 0};
    const int n = ::poll(&ended, 1, left);
    if (n > 0) return true;
    if (n == 0 && timeout && std::chrono::steady_clock::now() >= deadline) return false;
  }
}

}  // namespace

Result<Child> Child::start(const ChildOptions& options) {
  if (options.argv.empty()) return Error(ErrorKind::kInvalid, "no program to start");
  TRY(const UniqueFd null_fd, open_file("/dev/null", O_RDONLY));
  TRY(Pipe complaint, make_pipe());
  const Plan plan = plan_for(options, null_fd.get(), complaint.write.get());
  const pid_t pid = launch(plan);
  if (pid < 0) return Error::last("vfork");
  complaint.write.reset();
  int error = 0;
  if (::read(complaint.read.get(), &error, sizeof error) == sizeof error) {
    reap(pid, nullptr);
    return Error::from_errno(options.argv.front(), error);
  }
  UniqueFd pidfd(open_pidfd(pid));
  if (pidfd) return Child(pid, std::move(pidfd));
  const Error failed = Error::last("pidfd_open");
  ::kill(pid, SIGKILL);
  reap(pid, nullptr);
  return failed;
}

Child::Child(Child&&) noexcept = default;

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(ended_, other.ended_);
  return *this;
}

Child::~Child() {
  if (!pidfd_ || ended_) return;
  ::kill(pid_, SIGKILL);
  reap(pid_, nullptr);
}

ProcessId Child::id() const {
  return ProcessId::of(pid_).value_or(ProcessId{pid_, 0});
}

void Child::signal(int number) {
  if (pidfd_ && !ended_) ::kill(pid_, number);
}

std::optional<ExitStatus> Child::wait(std::optional<std::chrono::milliseconds> timeout) {
  if (ended_ || !pidfd_) return ended_;
  if (!await_end(pidfd_.get(), timeout)) return std::nullopt;
  int status = 0;
  reap(pid_, &status);
  ended_ = WIFSIGNALED(status) ? ExitStatus{128 + WTERMSIG(status), WTERMSIG(status)}
                               : ExitStatus{WEXITSTATUS(status), 0};
  return ended_;
}

void Child::let_go() {
  pidfd_.reset();
}

}  // namespace sagelet
