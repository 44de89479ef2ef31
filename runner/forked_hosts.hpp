#pragma once
// The hosts of a job on one machine: each has a runner that this process forks, and a place on the job's
// private network.
#include <memory>

#include "runner/crew.hpp"

namespace sagelet::runner {

/// A host's runner that ends without a last word takes this process with it, where another leader can take
/// the job up as a whole (progress.hpp).
std::unique_ptr<Crew> make_forked_hosts(const JobSpec& spec);

}  // namespace sagelet::runner
