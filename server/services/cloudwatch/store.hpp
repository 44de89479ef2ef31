#pragma once
// Metrics and their values in the ledger. Each function runs inside the caller's change or read.
#include <functional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "server/model/document.hpp"
#include "server/services/cloudwatch/statistics.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::cloudwatch {

struct Metric {
  std::string scope, space, name;
  std::string dimensions = "[]";  ///< canonical_dimensions()
};

/// [["Host","job/algo-1"], ...] sorted, of a request's Dimensions.
std::string canonical_dimensions(const Document& dimensions);

Status add_values(storage::Connection& connection, const Metric& metric, const std::vector<Sample>& samples);
/// Values older than `time_ms`, and metrics that have none any more.
Status forget_before(storage::Connection& connection, std::int64_t time_ms);
/// From `from_ms` to before `to_ms`, oldest first.
Result<std::vector<Sample>> values_of(storage::Connection& connection, const Metric& metric,
                                      std::int64_t from_ms, std::int64_t to_ms);
/// Metrics whose name and namespace fit (empty: any), in a stable order, after row `after`, until `visit` is
/// false.
Status each_metric(storage::Connection& connection, const Metric& like, std::int64_t after,
                   const std::function<bool(std::int64_t id, const Metric&, std::int64_t latest_ms)>& visit);

}  // namespace sagelet::cloudwatch
