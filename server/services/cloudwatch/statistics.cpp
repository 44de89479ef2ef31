#include "server/services/cloudwatch/statistics.hpp"

#include <algorithm>
#include <charconv>

namespace sagelet::cloudwatch {

void Bucket::add(const Sample& sample) {
  minimum_ = parts_.empty() ? sample.minimum : std::min(minimum_, sample.minimum);
  maximum_ = parts_.empty() ? sample.maximum : std::max(maximum_, sample.maximum);
  samples_ += sample.samples;
  sum_ += sample.sum;
  unit_ = sample.unit;
  parts_.emplace_back(sample.samples > 0 ? sample.sum / sample.samples : 0, sample.samples);
}

double Bucket::percentile(double percent) const {
  auto sorted = parts_;
  std::sort(sorted.begin(), sorted.end());
  const double wanted = samples_ * percent / 100;
  double seen = 0;
  for (const auto& [value, samples] : sorted)
    if ((seen += samples) >= wanted) return value;
  return sorted.empty() ? 0 : sorted.back().first;
}

std::optional<double> Bucket::statistic(std::string_view name) const {
  if (name == "SampleCount") return samples_;
  if (name == "Sum") return sum_;
  if (name == "Minimum") return minimum_;
  if (name == "Maximum") return maximum_;
  if (name == "Average") return samples_ > 0 ? sum_ / samples_ : 0;
  if (!name.starts_with('p')) return std::nullopt;
  double percent = 0;
  const auto read = std::from_chars(name.data() + 1, name.data() + name.size(), percent);
  if (read.ec != std::errc() || read.ptr != name.data() + name.size() || !(percent >= 0 && percent <= 100))
    return std::nullopt;
  return percentile(percent);
}

Buckets by_period(const std::vector<Sample>& samples, std::int64_t period_seconds) {
  const auto period = period_seconds * 1000;
  Buckets buckets;
  for (const Sample& sample : samples) buckets[sample.time_ms - sample.time_ms % period].add(sample);
  return buckets;
}

}  // namespace sagelet::cloudwatch
