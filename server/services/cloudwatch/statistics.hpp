#pragma once
// Values gathered by periods, and statistics of them. Pure.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sagelet::cloudwatch {

/// What one datum said.
struct Sample {
  std::int64_t time_ms = 0;
  double samples = 1, sum = 0, minimum = 0, maximum = 0;
  std::string unit = "None";
};

class Bucket {
 public:
  void add(const Sample& sample);
  /// SampleCount, Average, Sum, Minimum, Maximum or p<0..100>; nullopt: no such statistic.
  std::optional<double> statistic(std::string_view name) const;
  const std::string& unit() const { return unit_; }

 private:
  double percentile(double percent) const;
  double samples_ = 0, sum_ = 0, minimum_ = 0, maximum_ = 0;
  std::string unit_ = "None";
  std::vector<std::pair<double, double>> parts_;  ///< mean and samples of each datum
};

/// By the start of their period, in milliseconds.
using Buckets = std::map<std::int64_t, Bucket>;
/// Periods begin at multiples of the period since 1970, as CloudWatch has them.
Buckets by_period(const std::vector<Sample>& samples, std::int64_t period_seconds);

}  // namespace sagelet::cloudwatch
