#pragma once
// The credentials of a job's run, which end with it.
#include "runner/spec.hpp"
#include "server/services/sagemaker/service.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::sagemaker {

/// Puts fresh ones into `spec`, whose account, role and job_id are set. The change that keeps them is the
/// caller's to make with the run's row.
storage::Change give_credentials(const Rooms& rooms, JobSpec& spec);

}  // namespace sagelet::sagemaker
