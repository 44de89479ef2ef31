#pragma once
// CloudWatch metrics: PutMetricData, GetMetricStatistics, GetMetricData, ListMetrics.
#include <memory>

#include "server/services/service.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::cloudwatch {

/// `ledger` outlives it.
std::unique_ptr<Service> make_cloudwatch(storage::Ledger& ledger);

}  // namespace sagelet::cloudwatch
