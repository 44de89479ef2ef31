#pragma once
// One host of a job on a node of the cluster: what srun starts there (`sagelet-runner --step-host`).

namespace sagelet::runner {

/// Says where it is, waits for the job's spec, runs the host's runner below it, and passes on what that says.
/// When the leader is gone so is all that runs here. The process's exit code.
int run_step_host();

}  // namespace sagelet::runner
