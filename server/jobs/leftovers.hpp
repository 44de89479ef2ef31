#pragma once
// What a dead runner noted in its job's folder (or below it, a folder a host) and did not take back.
#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace sagelet::jobs {

/// Removes the job's containers and networks from the engines noted there, mounts that were made for them,
/// makes what they wrote in the folder ours, then the notes. No engine is asked otherwise.
Status remove_containers(const std::filesystem::path& folder, const std::string& job_id);

/// Removes the control groups noted there, then the notes. The kernel refuses for a moment after their
/// processes' end.
Status remove_memory_groups(const std::filesystem::path& folder, const std::string& job_id);

}  // namespace sagelet::jobs
