#pragma once
// A folder at any path of the job's view that the machine itself does not get.
#include <string>

#include "base/result.hpp"

namespace sagelet::runner {

/// Inside the job's mount namespace: shows `from` on `to`. Where `to` is missing, the nearest folder above
/// that is there becomes a copy of itself in memory, with its old entries bound in, and has it; the job sees
/// no entries that others make there later. `scratch`: an empty folder to build a new root in. Where that
/// cannot be, `to` is made on the machine.
Status bind_privately(const std::string& from, const std::string& to, const std::string& scratch);

}  // namespace sagelet::runner
