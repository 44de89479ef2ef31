#pragma once
// Ends the processes a job may have left behind, daemons included: they carry SAGELET_JOB_ID in their
// environment.
#include <string>
#include <string_view>
#include <vector>

#include "base/child.hpp"
#include "base/fd.hpp"

namespace sagelet::jobs {

/// Becomes readable when the process ends; invalid when there is no such process. (The C library's
/// declaration has C++ linkage by mistake in glibc 2.36, so this is the system call.)
UniqueFd open_pidfd(pid_t pid);

inline constexpr std::string_view kJobMark = "SAGELET_JOB_ID=";

/// Living processes (zombies are not) that carry the mark of one of the jobs, never ourselves. Processes of
/// other users cannot be read and are left alone.
std::vector<ProcessId> marked_processes(const std::vector<std::string>& job_ids);

/// SIGKILLs them until a look at all processes finds none. Gives up on the unkillable after a few seconds and
/// says so in the log.
void sweep(const std::vector<std::string>& job_ids);

}  // namespace sagelet::jobs
