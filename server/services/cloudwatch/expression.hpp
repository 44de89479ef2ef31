#pragma once
// Metric math: "100 * m1 / SUM(METRICS())". Pure.
#include <functional>
#include <string_view>
#include <vector>

#include "server/services/cloudwatch/series.hpp"

namespace sagelet::cloudwatch {

/// What an expression may speak of.
struct Surroundings {
  Span span;
  std::vector<Series> metrics;  ///< METRICS(): those that come from a MetricStat, as in the request
  /// The series of another query.
  std::function<Result<Value>(std::string_view id)> find;
};

/// Numbers, ids, + - * / ^, brackets, [lists], METRICS, FILL, and the functions of series.hpp. Errors are
/// kInvalid and say what is not understood; comparisons, SEARCH, IF and Metrics Insights are not.
Result<Value> evaluate(std::string_view expression, const Surroundings& surroundings);

}  // namespace sagelet::cloudwatch
