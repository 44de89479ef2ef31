#include "server/services/cloudwatch/series.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "fmt/format.h"

namespace sagelet::cloudwatch {
namespace {

using List = std::vector<Series>;
using Numbers = std::vector<double>;
constexpr std::int64_t kMostPeriods = 100'800;  ///< that an answer of CloudWatch's has

Error wrong(std::string message) {
  return Error(ErrorKind::kInvalid, std::move(message));
}

Series combined_series(const Value& left, const Value& right,
                       const std::function<double(double, double)>& with) {
  const auto* a = std::get_if<Series>(&left);
  const auto* b = std::get_if<Series>(&right);
  Series out = a ? *a : *b;
  out.points.clear();
  for (const auto& [time, value] : (a ? a : b)->points) {
    if (a && b) {
      if (const auto other = b->points.find(time); other != b->points.end())
        out.points[time] = with(value, other->second);
    } else {
      out.points[time] = a ? with(value, std::get<double>(right)) : with(std::get<double>(left), value);
    }
  }
  return out;
}

/// The same for each series of a list.
Result<Value> for_each(const List& list, const std::function<Result<Value>(const Series&)>& work) {
  List out;
  for (const Series& one : list) {
    TRY(Value value, work(one));
    auto* series = std::get_if<Series>(&value);
    if (!series) return wrong("a list of numbers is no answer");
    out.push_back(std::move(*series));
  }
  return Value(std::move(out));
}

double deviation(const Numbers& numbers) {
  const double mean =
      std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
  double squares = 0;
  for (const double number : numbers) squares += (number - mean) * (number - mean);
  return std::sqrt(squares / static_cast<double>(numbers.size()));
}

/// nullopt: no such function.
std::optional<double> aggregate(std::string_view function, const Numbers& numbers) {
  const double sum = std::accumulate(numbers.begin(), numbers.end(), 0.0);
  if (function == "SUM") return sum;
  if (function == "AVG") return sum / static_cast<double>(numbers.size());
  if (function == "MIN") return *std::ranges::min_element(numbers);
  if (function == "MAX") return *std::ranges::max_element(numbers);
  if (function == "STDDEV") return deviation(numbers);
  return std::nullopt;
}

bool is_aggregate(std::string_view function) {
  return aggregate(function, {0}).has_value();
}

/// At each moment that any of them has.
Series across(std::string_view function, const List& list) {
  std::map<std::int64_t, Numbers> columns;
  for (const Series& one : list)
    for (const auto& [time, value] : one.points) columns[time].push_back(value);
  Series out;
  if (!list.empty()) out.period_ms = list.front().period_ms;
  for (const auto& [time, numbers] : columns) out.points[time] = *aggregate(function, numbers);
  return out;
}

Result<Value> along(std::string_view function, const Series& series) {
  Numbers numbers;
  for (const auto& [time, value] : series.points) numbers.push_back(value);
  return Value(numbers.empty() ? 0.0 : *aggregate(function, numbers));
}

/// nullopt: no such function.
std::optional<double> rounded(std::string_view function, double value) {
  if (function == "ABS") return std::abs(value);
  if (function == "CEIL") return std::ceil(value);
  if (function == "FLOOR") return std::floor(value);
  return std::nullopt;
}

/// DIFF and RATE begin with the second value.
std::optional<Points> walked(std::string_view function, const Points& points) {
  if (function != "DIFF" && function != "RATE" && function != "RUNNING_SUM") return std::nullopt;
  Points out;
  double sum = 0;
  for (auto now = points.begin(), before = points.end(); now != points.end(); before = now++) {
    sum += now->second;
    if (function == "RUNNING_SUM") {
      out[now->first] = sum;
    } else if (before != points.end()) {
      const double change = now->second - before->second;
      const double seconds = static_cast<double>(now->first - before->first) / 1000;
      out[now->first] = function == "DIFF" ? change : change / seconds;
    }
  }
  return out;
}

Result<Value> of_series(std::string_view function, const Series& series) {
  if (is_aggregate(function)) return along(function, series);
  if (function == "PERIOD") return Value(static_cast<double>(series.period_ms) / 1000);
  Series out = series;
  if (auto points = walked(function, series.points)) {
    out.points = std::move(*points);
    return Value(std::move(out));
  }
  for (auto& [time, value] : out.points) {
    const auto changed = rounded(function, value);
    if (!changed) return wrong(fmt::format("the function {} is not supported by this server", function));
    value = *changed;
  }
  return Value(std::move(out));
}

double between(const Points& points, std::int64_t time) {
  const auto after = points.upper_bound(time), before = std::prev(after);
  const double share =
      static_cast<double>(time - before->first) / static_cast<double>(after->first - before->first);
  return before->second + share * (after->second - before->second);
}

/// nullopt: nothing to go by, before the first value or after the last.
std::optional<double> filler(const Fill& fill, const Points& points, std::int64_t time) {
  if (fill.how == Fill::How::kNumber) return fill.number;
  const auto after = points.upper_bound(time);
  if (after == points.begin()) return std::nullopt;
  if (fill.how == Fill::How::kRepeat) return std::prev(after)->second;
  return after == points.end() ? std::nullopt : std::optional(between(points, time));
}

Result<Value> filled_series(const Series& series, const Fill& fill, const Span& span) {
  const std::int64_t step = series.period_ms;
  if (step <= 0 || (span.to_ms - span.from_ms) / step > kMostPeriods)
    return wrong(fmt::format("FILL over more than {} periods", kMostPeriods));
  Series out = series;
  for (std::int64_t time = span.from_ms - span.from_ms % step; time < span.to_ms; time += step)
    if (!series.points.contains(time))
      if (const auto value = filler(fill, series.points, time)) out.points[time] = *value;
  return Value(std::move(out));
}

}  // namespace

Result<Value> combined(const Value& left, const Value& right,
                       const std::function<double(double, double)>& with) {
  const auto* a = std::get_if<List>(&left);
  const auto* b = std::get_if<List>(&right);
  if (a && b)
    return wrong("two lists of series cannot be combined; SUM, AVG, MIN or MAX makes one series of each");
  if (a) return for_each(*a, [&](const Series& one) { return combined(one, right, with); });
  if (b) return for_each(*b, [&](const Series& one) { return combined(left, one, with); });
  if (std::holds_alternative<double>(left) && std::holds_alternative<double>(right))
    return Value(with(std::get<double>(left), std::get<double>(right)));
  return Value(combined_series(left, right, with));
}

Result<Value> filled(const Value& value, const Fill& fill, const Span& span) {
  if (const auto* list = std::get_if<List>(&value))
    return for_each(*list, [&](const Series& one) { return filled_series(one, fill, span); });
  if (const auto* series = std::get_if<Series>(&value)) return filled_series(*series, fill, span);
  return wrong("FILL wants a series");
}

Result<Value> applied(std::string_view function, const Value& value) {
  if (const auto* series = std::get_if<Series>(&value)) return of_series(function, *series);
  if (const auto* list = std::get_if<List>(&value)) {
    if (is_aggregate(function)) return Value(across(function, *list));
    if ((function == "FIRST" || function == "LAST") && !list->empty())
      return Value(function == "FIRST" ? list->front() : list->back());
    return for_each(*list, [&](const Series& one) { return of_series(function, one); });
  }
  if (const auto number = rounded(function, std::get<double>(value))) return Value(*number);
  return wrong(fmt::format("the function {} of a number is not supported by this server", function));
}

}  // namespace sagelet::cloudwatch
