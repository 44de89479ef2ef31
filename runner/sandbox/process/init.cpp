#include <vector>

#include "runner/sandbox/process/init.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runner/sandbox/process/sweep.hpp"
#include "runner/sandbox/process/wire.hpp"

namespace sagelet::runner {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& list) {
  std::vector<char*> out;
  for (const std::string& item : list) out.push_back(const_cast<char*>(item.c_str()));
  out.push_back(nullptr);
  return out;
}

void set_affinity(const std::vector<int>& cpus) {
  if (cpus.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus)
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  ::sched_setaffinity(0, sizeof set, &set);  // a core that is not ours is no reason to fail the job
}

void default_signals() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGCHLD, SIGQUIT}) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// In the new child: becomes the command or gives back errno.
int become(const Command& command, int stdout_fd, int stderr_fd) {
  ::setsid();
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, 0);
  ::dup2(stdout_fd, 1);
  ::dup2(stderr_fd, 2);
  ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
  default_signals();
  if (!command.working_folder.empty() && ::chdir(command.working_folder.c_str()) != 0) return errno;
  auto argv = pointers(command.argv);
  auto environment = pointers(command.environment);
  for (const std::string& variable : command.environment)
    if (variable.starts_with("PATH=")) ::setenv("PATH", variable.c_str() + 5, 1);
  ::execvpe(argv[0], argv.data(), environment.data());
  return errno;
}

class Init {
 public:
  Init(int socket, bool pid_namespace) : socket_(socket), pid_namespace_(pid_namespace) {}

  [[noreturn]] void serve() {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &mask, nullptr);
    const int children = ::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    while (true) {
      pollfd fds[2] = {{socket_, POLLIN, 0}, {children, POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0 && errno != EINTR) quit();
      if (fds[1].revents) {
        signalfd_siginfo ignored;
        while (::read(children, &ignored, sizeof ignored) > 0) {
        }
        reap();
      }
      if (fds[0].revents) obey();
    }
  }

 private:
  void obey() {
    const auto asked = wire::receive(socket_);
    if (!asked) quit();
    if (asked->header.ask == wire::Ask::kSignal) {
      if (command_ > 0) ::kill(-command_, static_cast<int>(asked->header.number));
      return;
    }
    const auto command = wire::decode(asked->body);
    if (!command) return answer({.error = EINVAL});
    start(*command, asked->stdout_fd.get(), asked->stderr_fd.get());
  }

  void start(const Command& command, int stdout_fd, int stderr_fd) {
    int failed[2];
    if (::pipe2(failed, O_CLOEXEC) != 0) return answer({.error = errno});
    const pid_t pid = ::fork();
    if (pid == 0) {
      const int error = become(command, stdout_fd, stderr_fd);
      [[maybe_unused]] const ssize_t told = ::write(failed[1], &error, sizeof error);
      ::_exit(127);
    }
    ::close(failed[1]);
    int error = pid < 0 ? errno : 0;
    if (pid > 0 && ::read(failed[0], &error, sizeof error) != sizeof error) error = 0;
    ::close(failed[0]);
    if (error == 0) {
      command_ = pid;
      return;
    }
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    answer({.error = error});
  }

  void reap() {
    int status;
    pid_t pid;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0)
      if (pid == command_) {
        command_ = 0;
        end_everything(pid_namespace_);
        answer({.wait_status = status});
      }
  }

  void answer(const wire::Answer& answer) {
    if (!wire::send_answer(socket_, answer)) quit();
  }

  [[noreturn]] void quit() {
    end_everything(pid_namespace_);
    ::_exit(0);
  }

  int socket_;
  bool pid_namespace_;
  pid_t command_ = 0;
};

}  // namespace

void run_init(int socket, const InitSetup& setup) {
  if (setup.pid_namespace)
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  else
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_NAME, "sagelet-init");
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);  // meant for the runner; a group-wide one must not end us before the job
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  wire::Answer ready;
  if (const Status done = setup.prepare(); !done) {
    ready.error = EPERM;
    std::strncpy(ready.text, done.error().message().c_str(), sizeof ready.text - 1);
  }
  set_affinity(setup.cpus);
  if (!wire::send_answer(socket, ready) || ready.error != 0) ::_exit(1);
  Init(socket, setup.pid_namespace).serve();
}

}  // namespace sagelet::runner
