#pragma once
// What a host on another node leaves, on its way to the one that leads.
//
// It goes through S3 beside the job's own output, below a name with the job's id, and is removed when the job
// ends: there the job may write by definition, nothing has to be made for it, and it has the bucket's own
// place and encryption.
#include "runner/job.hpp"

namespace sagelet::runner {

/// Of this host: its model and its output data, where there are any.
Status send_parts(Job& job);
/// To <job's folder>/<host>/ml, as if the host had worked there.
Status fetch_parts(Job& job, const std::string& host);
/// Of all hosts.
Status remove_parts(Job& job);

}  // namespace sagelet::runner
