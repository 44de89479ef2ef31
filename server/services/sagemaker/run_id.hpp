#pragma once
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace sagelet::sagemaker {

/// Of a job's run: 20 lower-case letters and digits, the time first. Ids of runs that are queued one after
/// another stand side by side in each index, which writes one page for many of them in place of one for each.
/// The 12 random ones make it unguessable.
std::string run_id(Ids& ids, WallTime now);

}  // namespace sagelet::sagemaker
