#pragma once
// What metric math computes with: numbers and series, and the functions on them. Pure.
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace sagelet::cloudwatch {

/// Values by the start of their period, in milliseconds.
using Points = std::map<std::int64_t, double>;

struct Series {
  std::string id;     ///< of the query that it answers
  std::string label;  ///< for people
  std::int64_t period_ms = 60'000;
  Points points;
};

/// A number, a series, or several series.
using Value = std::variant<double, Series, std::vector<Series>>;

/// What was asked for; the ends of FILL.
struct Span {
  std::int64_t from_ms = 0, to_ms = 0;
};

/// `with` on every pair of values of one moment; a number is a value of every moment.
Result<Value> combined(const Value& left, const Value& right,
                       const std::function<double(double, double)>& with);

struct Fill {
  enum class How { kNumber, kRepeat, kLinear };
  How how = How::kNumber;
  double number = 0;
};
/// A value for each period of `span` that has none: FILL.
Result<Value> filled(const Value& value, const Fill& fill, const Span& span);

/// SUM, AVG, MIN, MAX, STDDEV of one series are numbers, of several one series; ABS, CEIL, FLOOR, DIFF, RATE
/// and RUNNING_SUM keep the kind; FIRST and LAST of several are one of them, PERIOD of one is its seconds.
Result<Value> applied(std::string_view function, const Value& value);

}  // namespace sagelet::cloudwatch
