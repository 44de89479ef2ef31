#pragma once
// Metric definitions searched in every log line; of each the last value counts.
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "runner/spec.hpp"

namespace sagelet::runner {

/// PCRE2 with match limits: a bad pattern costs time, never the job.
class Metrics {
 public:
  explicit Metrics(const std::vector<MetricSpec>& specs);
  ~Metrics();
  /// Is handed every value as it is found.
  std::function<void(const MetricValue&)> on_value;
  /// `told`: its values were handed on before.
  void line(std::string_view text, std::int64_t time_ms, bool told = false);
  /// Values of lines that were searched before.
  void recall(const std::vector<MetricValue>& values);
  /// Those that matched at least once, in the order of their definitions.
  std::vector<MetricValue> values() const;
  /// Patterns that do not compile, with PCRE2's words.
  const std::vector<std::string>& faults() const { return faults_; }

 private:
  struct Metric;
  struct Tools;
  std::vector<std::unique_ptr<Metric>> metrics_;
  std::unique_ptr<Tools> tools_;
  std::vector<std::string> faults_;
};

}  // namespace sagelet::runner
