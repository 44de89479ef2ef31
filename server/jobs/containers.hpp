#pragma once
// The containers and networks that a dead runner left in an engine.
#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace sagelet::jobs {

/// Removes those of the job, when a runner noted an engine in the job's folder (or below it, a folder a host)
/// and did not take the note back. No engine is asked otherwise.
Status remove_containers(const std::filesystem::path& folder, const std::string& job_id);

}  // namespace sagelet::jobs
