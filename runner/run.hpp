#pragma once
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "runner/sandbox/process/process_sandbox.hpp"
#include "runner/spec.hpp"
#include "runner/stop.hpp"

namespace sagelet::runner {

/// The whole life of the job whose folder this is; the process's exit code.
int run_job(const std::string& folder);

/// What a host's runner among several is given by the one that leads (hosts.hpp).
struct Seat {
  int reports = -1;  ///< reports are told here instead of to the server; -1: a job's only host
  UniqueFd door{};   ///< listens in the host's private network for what wants to the server
  std::vector<std::string> notes{};  ///< for the job's log
  bool sends_parts = false;          ///< what the host leaves goes to the leader by S3 (slurm/parts.hpp)
};

/// One host's part of a job. The process has one thread so far.
int run_host(JobSpec spec, const SandboxPlan& plan, const StopSignal& stop, Seat seat);

SandboxPlan plan_of(const JobSpec& spec);
void open_own_log(const std::string& folder);
/// runner.json and exit.json of a folder (docs/formats/job-folder.md).
Status introduce(const JobSpec& spec, pid_t init_pid, const std::string& sandbox);
Status say_goodbye(const JobSpec& spec, const Report& report);

}  // namespace sagelet::runner
