#include "server/services/cloudwatch/service.hpp"

#include <charconv>
#include <cmath>

#include "fmt/format.h"
#include "server/resources/decide.hpp"
#include "server/services/cloudwatch/data_queries.hpp"
#include "server/services/cloudwatch/store.hpp"

namespace sagelet::cloudwatch {

using resources::lifted;
using storage::Connection;

namespace {

constexpr std::int64_t kKeptMs = 15LL * 24 * 3600 * 1000;
constexpr int kPageOfMetrics = 500;
constexpr std::int64_t kMostDatapoints = 1440;
constexpr std::int64_t kRecentMs = 3LL * 3600 * 1000;

api::Error wrong_value(std::string message) {
  return api::Error::make("InvalidParameterValueException", std::move(message));
}

api::Error wrong_combination(std::string message) {
  return api::Error::make("InvalidParameterCombinationException", std::move(message));
}

std::string scope_of(const Context& context) {
  return fmt::format("{}|{}", context.account().view(), context.region.view());
}

std::int64_t millis(const Document& params, const char* member, std::int64_t otherwise) {
  const auto found = params.find(member);
  return found == params.end() ? otherwise : std::llround(found->get<double>() * 1000);
}

const Document& list(const Document& params, const char* member) {
  static const Document kNone = Document::array();
  const auto found = params.find(member);
  return found == params.end() ? kNone : *found;
}

Sample one_value(std::int64_t time_ms, double value, double count, const std::string& unit) {
  return {.time_ms = time_ms,
          .samples = count,
          .sum = value * count,
          .minimum = value,
          .maximum = value,
          .unit = unit};
}

Reply<std::vector<Sample>> samples_of(const Document& datum, std::int64_t now_ms) {
  const auto time = millis(datum, "Timestamp", now_ms);
  const std::string unit = datum.value("Unit", std::string("None"));
  std::vector<Sample> samples;
  if (datum.contains("Value")) samples.push_back(one_value(time, datum["Value"].get<double>(), 1, unit));
  const auto& values = list(datum, "Values");
  const auto& counts = list(datum, "Counts");
  if (!counts.empty() && counts.size() != values.size())
    return wrong_combination(
        "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size.");
  for (std::size_t i = 0; i < values.size(); ++i)
    samples.push_back(
        one_value(time, values[i].get<double>(), counts.empty() ? 1 : counts[i].get<double>(), unit));
  if (const auto set = datum.find("StatisticValues"); set != datum.end())
    samples.push_back({.time_ms = time,
                       .samples = set->value("SampleCount", 0.0),
                       .sum = set->value("Sum", 0.0),
                       .minimum = set->value("Minimum", 0.0),
                       .maximum = set->value("Maximum", 0.0),
                       .unit = unit});
  if (samples.empty())
    return api::Error::make("MissingRequiredParameterException",
                            "At least one of the parameters must be specified.");
  for (const Sample& sample : samples)
    if (!std::isfinite(sample.sum))
      return wrong_value("The value NaN for parameter MetricData.member.1.Value is invalid.");
  return samples;
}

/// "2" after "1"; the token is the last row's number.
Reply<std::int64_t> position_of(const Input& input) {
  const auto token = input.maybe_text("NextToken");
  std::int64_t after = 0;
  if (!token) return after;
  const auto read = std::from_chars(token->data(), token->data() + token->size(), after);
  if (read.ec == std::errc() && read.ptr == token->data() + token->size()) return after;
  return wrong_value("Invalid nextToken");
}

/// Do the metric's dimensions hold each filter: a name, or a name with a value?
bool fits(const Document& dimensions, const Document& filters) {
  for (const auto& filter : filters) {
    bool found = false;
    for (const auto& pair : dimensions)
      found = found || (pair[0] == filter.value("Name", "") &&
                        (!filter.contains("Value") || pair[1] == filter["Value"]));
    if (!found) return false;
  }
  return true;
}

Document shown_metric(const Metric& metric) {
  Document dimensions = Document::array();
  for (const auto& pair : Document::parse(metric.dimensions))
    dimensions.push_back({{"Name", pair[0]}, {"Value", pair[1]}});
  return {{"Namespace", metric.space}, {"MetricName", metric.name}, {"Dimensions", std::move(dimensions)}};
}

class CloudWatch final : public TableService {
 public:
  explicit CloudWatch(storage::Ledger& ledger)
      : TableService(*model::find_service("cloudwatch")), ledger_(ledger) {
    on("PutMetricData", [this](Context& context, Input input) { return put(context, input); });
    on_waiting("GetMetricStatistics",
               [this](Context& context, Input input) { return statistics(context, input); });
    on_waiting("GetMetricData", [this](Context& context, Input input) { return data(context, input); });
    on_waiting("ListMetrics", [this](Context& context, Input input) { return metrics(context, input); });
  }

 private:
  struct Put {
    Metric metric;
    std::vector<Sample> samples;
  };

  Reply<Output> put(const Context& context, const Input& input) {
    const auto now = to_millis(context.now());
    std::vector<Put> puts;
    for (const auto& datum : list(input.params, "MetricData")) {
      TRY(auto samples, samples_of(datum, now));
      puts.push_back({.metric = {scope_of(context), input.text("Namespace"), datum.value("MetricName", ""),
                                 canonical_dimensions(list(datum, "Dimensions"))},
                      .samples = std::move(samples)});
    }
    return resources::answer_after(ledger_,
                                   [puts = std::move(puts), now](Connection& connection) -> Reply<void> {
                                     TRY(lifted(forget_before(connection, now - kKeptMs)));
                                     for (const Put& one : puts)
                                       TRY(lifted(add_values(connection, one.metric, one.samples)));
                                     return {};
                                   });
  }

  /// CloudWatch moves StartTime down to the start of its period.
  Reply<Buckets> read(const Metric& metric, std::int64_t from, std::int64_t to, std::int64_t period) {
    Buckets buckets;
    const auto look = [&](Connection& connection) -> Reply<void> {
      TRY(const auto samples, lifted(values_of(connection, metric, from - from % (period * 1000), to)));
      buckets = by_period(samples, period);
      return {};
    };
    TRY(resources::look(ledger_, look));
    return buckets;
  }

  Reply<void> check_times(std::int64_t from, std::int64_t to, std::int64_t period) {
    if (from >= to)
      return wrong_combination("The parameter StartTime must be less than the parameter EndTime.");
    if (period < 1 ||
        (period < 60 && period != 1 && period != 5 && period != 10 && period != 20 && period != 30) ||
        (period >= 60 && period % 60 != 0))
      return wrong_value("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
    return {};
  }

  Reply<Output> statistics(const Context& context, const Input& input) {
    const auto from = millis(input.params, "StartTime", 0), to = millis(input.params, "EndTime", 0);
    const auto period = input.number("Period", 60);
    TRY(check_times(from, to, period));
    if ((to - from) / (period * 1000) > kMostDatapoints)
      return wrong_combination(
          fmt::format("You have requested up to {} datapoints, which exceeds the limit of {}. You may "
                      "reduce the datapoints requested by increasing Period, or decreasing the time range.",
                      (to - from) / (period * 1000), kMostDatapoints));
    const Metric metric{scope_of(context), input.text("Namespace"), input.text("MetricName"),
                        canonical_dimensions(list(input.params, "Dimensions"))};
    TRY(const Buckets buckets, read(metric, from, to, period));
    Document points = Document::array();
    for (const auto& [time, bucket] : buckets) {
      Document point{{"Timestamp", static_cast<double>(time) / 1000}, {"Unit", bucket.unit()}};
      for (const std::string name : list(input.params, "Statistics"))
        if (const auto value = bucket.statistic(name)) point[name] = *value;
      for (const std::string name : list(input.params, "ExtendedStatistics"))
        if (const auto value = bucket.statistic(name)) point["ExtendedStatistics"][name] = *value;
      points.push_back(std::move(point));
    }
    Output output;
    output.fields = {{"Label", metric.name}, {"Datapoints", std::move(points)}};
    return output;
  }

  Reply<Points> points_of(const Context& context, const Document& wanted, const Span& span) {
    const auto metric = wanted.value("Metric", Document::object());
    const auto period = wanted.value("Period", std::int64_t{60});
    TRY(check_times(span.from_ms, span.to_ms, period));
    const std::string statistic = wanted.value("Stat", "");
    if (!Bucket().statistic(statistic))
      return wrong_value(fmt::format("The value {} for parameter Stat is not supported.", statistic));
    const Metric key{scope_of(context), metric.value("Namespace", ""), metric.value("MetricName", ""),
                     canonical_dimensions(list(metric, "Dimensions"))};
    TRY(const Buckets buckets, read(key, span.from_ms, span.to_ms, period));
    Points points;
    for (const auto& [time, bucket] : buckets) points[time] = *bucket.statistic(statistic);
    return points;
  }

  Reply<Output> data(const Context& context, const Input& input) {
    const Span span{millis(input.params, "StartTime", 0), millis(input.params, "EndTime", 0)};
    if (span.from_ms >= span.to_ms)
      return wrong_combination("The parameter StartTime must be less than the parameter EndTime.");
    DataQueries queries(list(input.params, "MetricDataQueries"), span,
                        input.text("ScanBy") == "TimestampAscending");
    Output output;
    TRY(output.fields["MetricDataResults"],
        queries.answer([&](const Document& wanted) { return points_of(context, wanted, span); }));
    output.fields["Messages"] = Document::array();
    return output;
  }

  Reply<Output> metrics(const Context& context, const Input& input) {
    TRY(const std::int64_t after, position_of(input));
    const Metric like{scope_of(context), input.text("Namespace"), input.text("MetricName"), {}};
    const auto since = input.has("RecentlyActive") ? to_millis(context.now()) - kRecentMs : 0;
    Output output;
    auto& shown = output.fields["Metrics"] = Document::array();
    const auto look = [&](Connection& connection) -> Reply<void> {
      std::int64_t last = 0;
      return lifted(each_metric(
          connection, like, after, [&](std::int64_t id, const Metric& metric, std::int64_t latest) {
            if (latest < since || !fits(Document::parse(metric.dimensions), list(input.params, "Dimensions")))
              return true;
            if (shown.size() == kPageOfMetrics) {
              output.fields["NextToken"] = std::to_string(last);
              return false;
            }
            last = id;
            shown.push_back(shown_metric(metric));
            return true;
          }));
    };
    TRY(resources::look(ledger_, look));
    return output;
  }

  storage::Ledger& ledger_;
};

}  // namespace

std::unique_ptr<Service> make_cloudwatch(storage::Ledger& ledger) {
  return std::make_unique<CloudWatch>(ledger);
}

}  // namespace sagelet::cloudwatch
