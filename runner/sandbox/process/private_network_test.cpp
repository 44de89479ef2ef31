// Two hosts as processes: each enters its place and runs a few lines of Python.
#include "runner/sandbox/process/private_network.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "base/fs.hpp"
#include "runner/sandbox/docker/relay.hpp"

namespace sagelet::runner {
namespace {

/// Exit code of the shell line when it is run in the network.
pid_t run_in(const HostPlace& place, const std::string& line) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  if (::setns(place.network.get(), CLONE_NEWNET) != 0) ::_exit(99);
  ::execl("/bin/bash", "bash", "-c", line.c_str(), nullptr);
  ::_exit(98);
}

int code_of(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

constexpr const char* kServe =
    "exec python3 -c '"
    "import socket; s = socket.create_server((\"0.0.0.0\", 7777)); s.settimeout(20); "
    "c, who = s.accept(); c.sendall(who[0].encode())'";
constexpr const char* kAsk =
    "exec python3 -c '"
    "import socket, time\n"
    "until = time.time() + 15\n"
    "while True:\n"
    "    try: s = socket.create_connection((\"10.77.0.2\", 7777), 5); break\n"
    "    except OSError:\n"
    "        assert time.time() < until\n"
    "        time.sleep(0.02)\n"
    "assert s.recv(99) == b\"10.77.0.3\"'";

int meet() {
  auto network = PrivateNetwork::make(2, "");
  if (!network) return 42;
  const pid_t serving = run_in(network->hosts[0], kServe);
  const int asked = code_of(run_in(network->hosts[1], kAsk));
  return asked * 10 + code_of(serving);
}

TEST(PrivateNetwork, HostsReachEachOtherByTheirAddresses) {
  auto network = PrivateNetwork::make(2, "");
  if (!network) GTEST_SKIP() << "needs root: " << network.error().message();
  EXPECT_EQ(meet(), 0);
}

TEST(PrivateNetwork, NobodyElseNeedsToBeRoot) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setresuid(12345, 12345, 12345) != 0) ::_exit(41);
    ::prctl(PR_SET_DUMPABLE, 1);  // who changed his user cannot write his own /proc files else
    ::_exit(enter_user_namespace() ? meet() : 42);
  }
  const int code = code_of(child);
  if (code == 41 || code == 42) GTEST_SKIP() << "this machine gives no user namespaces";
  EXPECT_EQ(code, 0);
}

TEST(PrivateNetwork, TheServersAddressLeadsOutAndNothingElseDoes) {
  auto listener = PrivateNetwork::make(1, "127.0.0.1:4577");
  if (!listener) GTEST_SKIP() << "needs root: " << listener.error().message();
  ASSERT_TRUE(listener->hosts[0].door);
  // A server of this machine that says one word.
  auto pipe = make_pipe();
  const pid_t server = ::fork();
  if (server == 0) {
    ::dup2(pipe->write.get(), 1);
    ::execlp("python3", "python3", "-c",
             "import socket; s = socket.create_server(('127.0.0.1', 0)); s.settimeout(20); "
             "print(s.getsockname()[1], flush=True); s.accept()[0].sendall(b'hello')",
             nullptr);
    ::_exit(98);
  }
  pipe->write.reset();
  std::string port(16, '\0');
  port.resize(*read_some(pipe->read.get(), port));
  const std::string target = "127.0.0.1:" + std::string(trimmed(port));
  const auto relay = Relay::over(std::move(listener->hosts[0].door), [&] { return target; });
  relay->allow("127.0.0.1");
  EXPECT_EQ(code_of(run_in(
                listener->hosts[0],
                "exec python3 -c 'import socket; "
                "s = socket.create_connection((\"127.0.0.1\", 4577), 10); assert s.recv(9) == b\"hello\"'")),
            0);
  EXPECT_EQ(code_of(server), 0);
  EXPECT_EQ(code_of(run_in(listener->hosts[0],
                           "! (: >/dev/tcp/192.0.2.1/80) 2>/dev/null && "
                           "! (: >/dev/tcp/" +
                               target.substr(0, 9) + "/" + target.substr(10) + ") 2>/dev/null")),
            0);
}

}  // namespace
}  // namespace sagelet::runner
