#pragma once
// The hosts of a job on the nodes of a Slurm job: srun starts a runner on each (step_host.hpp).
#include <memory>

#include "runner/crew.hpp"

namespace sagelet::runner {

/// They start when all have said where they are, or none does. srun is the way to them: it is lost, so are
/// they; it ends the others when one that it started is killed.
std::unique_ptr<Crew> make_step(const JobSpec& spec);

}  // namespace sagelet::runner
