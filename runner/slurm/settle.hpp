#pragma once
// A job on a node of the cluster: what its spec says of the server's machine becomes the node's own.
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runner/spec.hpp"

namespace sagelet::runner {

struct Job;

/// Caches, environment, interpreter, warm pool and the way through the proxy. `job_folder` is the job's, of
/// which spec.folder is one host's. Gives what the job's log is to say of it.
std::vector<std::string> settle(JobSpec& spec, const std::string& job_folder);

/// What a job on a node cannot have; none: nothing. kUnavailable, with the remedy.
Status can_run_on_node(const JobSpec& spec);

/// Where settle() lets the job look for the authorities that it trusts.
std::string bundle_of_node(const JobSpec& spec);

/// When all is done: `folder` and what is in it, and the program that was sent here for this job alone.
void leave_node(const JobSpec& spec, const std::string& folder);

/// A step: that file, of the node's own authorities and the server's.
Status fetch_authorities(Job& job);

}  // namespace sagelet::runner
