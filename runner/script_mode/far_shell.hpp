#pragma once
// What sshd and ssh are to the toolkit's MPI: commands started on the job's other hosts.
//
// Hosts of a job have no sshd, and need none: each one but the first runs serve_commands() as its program, in
// its sandbox, until the first says that all is done. Whoever has the job's key may start commands; nobody
// outside of the job's network reaches the port.
#include <string>
#include <vector>

namespace sagelet::script_mode {

/// How the hosts of one job find each other; from and to the variable SAGELET_FAR_SHELL ("port:key").
struct FarShell {
  std::string program;  ///< sagelet-runner, which has the entry points below; empty: there is no such way
  int port = 0;
  std::string key;

  std::string variable() const { return std::to_string(port) + ":" + key; }
};

/// The name, on the job's PATH, of the program that mpirun calls as it would call ssh.
inline constexpr const char* kFarShellAgent = "sagelet-rsh";
inline constexpr const char* kFarShellVariable = "SAGELET_FAR_SHELL";

/// A worker host's program: `sagelet-runner --mpi-worker HOST`. A stop ends it at once before the first
/// command, else with the last one.
int serve_commands(const std::string& host);

/// `sagelet-rsh HOST WORDS...`: the words in a shell of that host, its output here, its exit code.
int run_there(const std::string& host, const std::vector<std::string>& words);

/// `sagelet-runner --mpi-leader HOST,HOST COMMAND...`: waits for these workers, runs the command, tells them
/// that all is done, and ends as the command did.
int lead(const std::string& workers, const std::vector<std::string>& command);

}  // namespace sagelet::script_mode
