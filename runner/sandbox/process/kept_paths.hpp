#pragma once
// What of the machine's /tmp a job still sees: what its runner itself needs it to reach.
#include <string>
#include <vector>

#include "runner/spec.hpp"

namespace sagelet::runner {

/// Paths below /tmp and its like that the job was given by name: its interpreter, pip's cache and whatever
/// pip's variables name, the authorities' bundle, PATH, folders that are channels, this program.
std::vector<std::string> kept_paths(const JobSpec& spec);

}  // namespace sagelet::runner
