#pragma once
// conda, mamba or micromamba, whichever this machine has, for jobs that ask for an environment.yml.
#include <map>
#include <string>

#include "base/fs.hpp"

namespace sagelet::runner {

/// Micromamba under the name `mamba` in `bin`, where it is all of conda there is: @remote looks for the two
/// others only.
Status offer_micromamba(const fs::path& bin);

/// Environments that a job makes are its own, in `folder`: all of @remote's have the same name.
void keep_environments_in(const fs::path& folder, std::map<std::string, std::string>& variables);

}  // namespace sagelet::runner
