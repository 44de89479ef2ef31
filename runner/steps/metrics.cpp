#include "runner/steps/metrics.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cmath>
#include <cstdlib>
#include <optional>

namespace sagelet::runner {
namespace {

constexpr std::uint32_t kMatchLimit = 200'000;
constexpr std::uint32_t kDepthLimit = 1'000;

std::optional<double> number_in(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !std::isfinite(value)) return std::nullopt;
  while (*end == ' ' || *end == '\t') ++end;
  return *end == '\0' ? std::optional(value) : std::nullopt;
}

}  // namespace

struct Metrics::Metric {
  std::string name;
  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;
  std::optional<MetricValue> last;
  ~Metric() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
};

struct Metrics::Tools {
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  Tools() {
    pcre2_set_match_limit(context, kMatchLimit);
    pcre2_set_depth_limit(context, kDepthLimit);
  }
  ~Tools() { pcre2_match_context_free(context); }
};

Metrics::Metrics(const std::vector<MetricSpec>& specs) {
  if (!specs.empty()) tools_ = std::make_unique<Tools>();
  for (const MetricSpec& spec : specs) {
    auto metric = std::make_unique<Metric>();
    int error = 0;
    PCRE2_SIZE offset = 0;
    metric->name = spec.name;
    metric->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(spec.regex.data()), spec.regex.size(),
                                 PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &offset, nullptr);
    if (!metric->code) {
      PCRE2_UCHAR text[128] = {};
      pcre2_get_error_message(error, text, sizeof text);
      faults_.push_back("metric " + spec.name + ": " + reinterpret_cast<const char*>(text) +
                        " at character " + std::to_string(offset) + " of its regex");
      continue;
    }
    metric->match = pcre2_match_data_create_from_pattern(metric->code, nullptr);
    metrics_.push_back(std::move(metric));
  }
}

Metrics::~Metrics() = default;

void Metrics::line(std::string_view text, std::int64_t time_ms, bool told) {
  for (const auto& metric : metrics_) {
    const int groups = pcre2_match(metric->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0,
                                   metric->match, tools_->context);
    if (groups < 2) continue;  // no match, no group, or a limit was hit
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(metric->match);
    if (ends[2] == PCRE2_UNSET) continue;
    const auto value = number_in(std::string(text.substr(ends[2], ends[3] - ends[2])));
    if (!value) continue;
    metric->last = MetricValue{metric->name, *value, time_ms};
    if (on_value && !told) on_value(*metric->last);
  }
}

void Metrics::recall(const std::vector<MetricValue>& values) {
  for (const MetricValue& value : values)
    for (const auto& metric : metrics_)
      if (metric->name == value.name) metric->last = value;
}

std::vector<MetricValue> Metrics::values() const {
  std::vector<MetricValue> values;
  for (const auto& metric : metrics_)
    if (metric->last) values.push_back(*metric->last);
  return values;
}

}  // namespace sagelet::runner
