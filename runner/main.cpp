// sagelet-runner: one process a job host; it owns the job from its spec to its final report and outlives the
// server.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "runner/run.hpp"
#include "runner/sandbox/process/process_sandbox.hpp"
#include "runner/script_mode/far_shell.hpp"
#include "runner/script_mode/standalone.hpp"
#include "runner/slurm/step_host.hpp"

namespace {

constexpr const char* kHelp =
    "sagelet-runner FOLDER                            run the job whose spec.json lies in FOLDER\n"
    "sagelet-runner --probe                           say which sandbox works here, as JSON\n"
    "sagelet-runner --script-mode BASE --python PATH  run script mode below BASE, without a server\n"
    "SAGELET_SANDBOX=\"namespaces\" | \"user namespaces\" | \"link under a lock\" | \"base folder\" allows "
    "that way only\n";

bool is(const char* argument, const char* name) {
  return std::strcmp(argument, name) == 0;
}

/// What MPI over several hosts is made of (script_mode/far_shell.hpp); nobody calls these by hand.
int mpi(int count, char** arguments) {
  const std::string host = arguments[2];
  const std::vector<std::string> words(arguments + 3, arguments + count);
  if (is(arguments[1], "--mpi-worker")) return sagelet::script_mode::serve_commands(host);
  return is(arguments[1], "--mpi-leader") ? sagelet::script_mode::lead(host, words)
                                          : sagelet::script_mode::run_there(host, words);
}

bool is_of_mpi(const char* argument) {
  return is(argument, "--mpi-worker") || is(argument, "--mpi-leader") || is(argument, "--mpi-there");
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 2 && is(arguments[1], "--probe")) {
    std::puts(sagelet::runner::probe().c_str());
    return 0;
  }
  if (count == 5 && is(arguments[1], "--script-mode") && is(arguments[3], "--python"))
    return sagelet::script_mode::run_standalone(arguments[2], arguments[4]);
  if (count == 2 && is(arguments[1], "--step-host")) return sagelet::runner::run_step_host();  // by srun
  if (count >= 3 && is_of_mpi(arguments[1])) return mpi(count, arguments);
  if (count == 2 && arguments[1][0] != '-') return sagelet::runner::run_job(arguments[1]);
  const bool asked = count == 2 && is(arguments[1], "--help");
  std::fputs(kHelp, asked ? stdout : stderr);
  return asked ? 0 : 2;
}
