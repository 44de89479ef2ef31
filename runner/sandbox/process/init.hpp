#pragma once
// The small process between runner and job: pid 1 of the job's PID namespace where there is one, else a
// subreaper.
//
// It starts commands, reaps, forwards signals, and ends the job's processes: after each command, and at once
// when the runner's end of the socket closes (the runner was killed). Single-threaded, as PDEATHSIG needs it.
#include <functional>

#include "base/result.hpp"

namespace sagelet::runner {

struct InitSetup {
  bool pid_namespace = false;
  std::vector<int> cpus;            ///< affinity; empty: all
  std::function<Status()> prepare;  ///< mounts; before anything runs
};

/// Runs in the child; never returns.
[[noreturn]] void run_init(int socket, const InitSetup& setup);

}  // namespace sagelet::runner
