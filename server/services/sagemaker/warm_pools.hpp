#pragma once
// Warm pools: what a job with KeepAlivePeriodInSeconds leaves standing for the next one that fits. Rows of
// the ledger; each function runs inside the caller's change.
//
//   Create --(KeepAlivePeriodInSeconds)--> held by the job --(ends)--> Available --(a job that fits)--> held
//   by it
//                                                                         \--(period over, or set to 0)-->
//                                                                         Terminated
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "nlohmann/json.hpp"
#include "server/model/document.hpp"
#include "server/resources/records.hpp"
#include "server/services/sagemaker/job_state.hpp"

namespace sagelet::sagemaker {

struct WarmPool {
  std::int64_t record = 0;  ///< of the job that holds it
  std::string folder;       ///< what its jobs share
};

/// All that must be alike, as text: role, instances, volume, VPC, isolation and encryption between
/// containers.
std::string fit_of(const Document& params);

/// The one that has waited longest.
Result<std::optional<WarmPool>> available_pool(storage::Connection& connection, const resources::Scope& scope,
                                               const std::string& fit);
/// A pool of its own for a job that was just inserted.
Status open_pool(storage::Connection& connection, const resources::Scope& scope, const std::string& fit,
                 const WarmPool& pool);
/// Takes `pool` for the job `by`, whose record is inserted: the former job shows Reused. False: somebody was
/// quicker.
Result<bool> take_pool(storage::Connection& connection, const WarmPool& pool, const resources::Record& by,
                       WallTime now);

/// The job has ended: its pool is Available for `keep_alive` seconds, or is gone. Gives the folder that
/// nobody needs any more, or "".
Result<std::string> settle_pool(storage::Connection& connection, std::int64_t record, JobState& state,
                                std::int64_t keep_alive);
/// An Available pool is Terminated. Gives its folder; "" when it is not Available any more.
Result<std::string> end_pool(storage::Connection& connection, resources::Record& record, WallTime now);
/// The period of an Available pool, counted from the end of its job.
Status set_pool_period(storage::Connection& connection, const resources::Record& record,
                       std::int64_t seconds);

/// Of all pools.
Result<std::vector<std::string>> pool_folders(storage::Connection& connection);

}  // namespace sagelet::sagemaker
