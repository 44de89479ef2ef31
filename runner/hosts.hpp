#pragma once
// A job of several hosts: one runner leads, each host has a runner of its own.
//
// The leader is what the server knows: it gives each host a folder, a place on the job's network and a part
// of its cores, makes one story of what they report, passes a stop on, ends the others when one fails, and
// stores what all of them leave. It is killed: so are they. On one machine the hosts' runners are its
// children (forked_hosts.hpp); another leader takes the job up as a whole where every host can go on
// (progress.hpp), and a leader that loses one host's runner ends itself for that. On Slurm's nodes srun
// starts them (slurm/step.hpp).
#include "runner/spec.hpp"
#include "runner/stop.hpp"

namespace sagelet::runner {

/// The whole life of such a job; the process's exit code. The process has one thread so far.
int run_hosts(JobSpec spec, const StopSignal& stop);

}  // namespace sagelet::runner
