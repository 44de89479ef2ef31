#pragma once
// Built-in algorithms as the service knows them: which images mean one, and the metrics it finds in their
// logs without being told.
#include <string>
#include <string_view>
#include <vector>

#include "runner/spec.hpp"

namespace sagelet::jobs {

/// The algorithm that an image of `framework` runs where there is no script; empty: none.
std::string_view algorithm_of(std::string_view framework);

/// "validation:rmse" and its like, with the regexes that DescribeTrainingJob of the real service shows.
std::vector<MetricSpec> metrics_of(std::string_view algorithm);

}  // namespace sagelet::jobs
