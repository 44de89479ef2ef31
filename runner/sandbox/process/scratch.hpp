#pragma once
// /tmp, /var/tmp and /dev/shm of the job's own. Nothing in the machine's is seen by it, and nothing it leaves
// there stays.
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sagelet::runner {

/// Inside the job's mount namespace, before any other mount: <folder>/tmp becomes /tmp, <folder>/var-tmp
/// /var/tmp, and /dev/shm memory that goes with the namespace. What of `kept` lies below them, and the job's
/// folder itself, is still there, as it was. One of the three that is itself in `kept` stays the machine's.
Status make_scratch_private(const std::string& folder, std::vector<std::string> kept);

/// Outside, once no process of the job is left.
void remove_scratch(const std::string& folder);

}  // namespace sagelet::runner
