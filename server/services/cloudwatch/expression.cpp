#include "server/services/cloudwatch/expression.hpp"

#include <cctype>
#include <charconv>
#include <cmath>

#include "fmt/format.h"

namespace sagelet::cloudwatch {
namespace {

constexpr int kDeepest = 64;

/// Computes while it reads: an expression is used once.
class Parser {
 public:
  Parser(std::string_view text, const Surroundings& surroundings)
      : rest_(text), surroundings_(surroundings) {}

  Result<Value> whole() {
    TRY(Value value, sum());
    skip_blanks();
    if (!rest_.empty()) return wrong(fmt::format("'{}' is not understood", rest_.substr(0, 20)));
    return value;
  }

 private:
  static Error wrong(std::string message) { return Error(ErrorKind::kInvalid, std::move(message)); }

  void skip_blanks() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0)
      rest_.remove_prefix(1);
  }
  /// Is `c` next? Then it is taken.
  bool take(char c) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  Status expect(char c) {
    if (take(c)) return {};
    return wrong(fmt::format("'{}' is missing before '{}'", c, rest_.substr(0, 20)));
  }
  std::string_view word() {
    skip_blanks();
    std::size_t size = 0;
    while (size < rest_.size() &&
           (std::isalnum(static_cast<unsigned char>(rest_[size])) != 0 || rest_[size] == '_'))
      ++size;
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  Result<Value> sum() {
    TRY(Value left, product());
    while (true) {
      const bool plus = take('+');
      if (!plus && !take('-')) return left;
      TRY(const Value right, product());
      TRY(left, combined(left, right, [plus](double a, double b) { return plus ? a + b : a - b; }));
    }
  }

  Result<Value> product() {
    TRY(Value left, power());
    while (true) {
      const bool times = take('*');
      if (!times && !take('/')) return left;
      TRY(const Value right, power());
      TRY(left, combined(left, right, [times](double a, double b) { return times ? a * b : a / b; }));
    }
  }

  Result<Value> power() {
    if (++depth_ > kDeepest) return wrong("it is nested too deeply");
    TRY(Value value, signed_one());
    if (take('^')) {
      TRY(const Value exponent, power());
      TRY(value, combined(value, exponent, [](double a, double b) { return std::pow(a, b); }));
    }
    --depth_;
    return value;
  }

  Result<Value> signed_one() {
    bool negative = false;
    while (take('-')) negative = !negative;
    TRY(Value value, one());
    if (!negative) return value;
    return combined(0.0, value, [](double, double b) { return -b; });
  }

  Result<Value> one() {
    if (take('(')) {
      TRY(Value value, sum());
      TRY(expect(')'));
      return value;
    }
    if (take('[')) return list();
    skip_blanks();
    if (rest_.empty()) return wrong("it ends too early");
    const auto first = static_cast<unsigned char>(rest_.front());
    if (std::isdigit(first) != 0 || first == '.') return number();
    if (std::isalpha(first) == 0) return wrong(fmt::format("'{}' is not understood", rest_.substr(0, 20)));
    const auto name = word();
    if (std::isupper(first) != 0) return function(name);
    return surroundings_.find(name);
  }

  Result<Value> number() {
    double value = 0;
    const auto read = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (read.ec != std::errc()) return wrong(fmt::format("'{}' is no number", rest_.substr(0, 20)));
    rest_.remove_prefix(static_cast<std::size_t>(read.ptr - rest_.data()));
    return Value(value);
  }

  /// Behind the bracket.
  Result<Value> list() {
    std::vector<Series> all;
    do {
      TRY(Value item, sum());
      if (auto* series = std::get_if<Series>(&item)) {
        all.push_back(std::move(*series));
      } else if (auto* more = std::get_if<std::vector<Series>>(&item)) {
        all.insert(all.end(), more->begin(), more->end());
      } else {
        return wrong("a list holds series, not numbers");
      }
    } while (take(','));
    TRY(expect(']'));
    return Value(std::move(all));
  }

  Result<Value> function(std::string_view name) {
    if (!take('(')) return wrong(fmt::format("{} is not supported by this server", name));
    if (name == "METRICS") return metrics();
    // Before its arguments, which have a language of their own.
    if (name == "SEARCH" || name == "IF" || name == "SELECT" || name == "INSIGHT_RULE_METRIC")
      return wrong(fmt::format("the function {} is not supported by this server", name));
    TRY(const Value value, sum());
    if (name == "FILL") return fill(value);
    TRY(expect(')'));
    return applied(name, value);
  }

  /// METRICS(), or METRICS("part of an id").
  Result<Value> metrics() {
    std::string_view part;
    for (const char quote : {'"', '\''})
      if (take(quote)) {
        part = rest_.substr(0, rest_.find(quote));
        rest_.remove_prefix(part.size());
        TRY(expect(quote));
        break;
      }
    TRY(expect(')'));
    std::vector<Series> found;
    for (const Series& series : surroundings_.metrics)
      if (series.id.find(part) != std::string::npos) found.push_back(series);
    return Value(std::move(found));
  }

  /// Behind the first argument.
  Result<Value> fill(const Value& value) {
    TRY(expect(','));
    skip_blanks();
    Fill how;
    if (rest_.starts_with("REPEAT") || rest_.starts_with("LINEAR")) {
      how.how = word() == "REPEAT" ? Fill::How::kRepeat : Fill::How::kLinear;
    } else {
      TRY(const Value with, sum());
      const auto* constant = std::get_if<double>(&with);
      if (!constant) return wrong("FILL wants a number, REPEAT or LINEAR");
      how.number = *constant;
    }
    TRY(expect(')'));
    return filled(value, how, surroundings_.span);
  }

  std::string_view rest_;
  const Surroundings& surroundings_;
  int depth_ = 0;
};

}  // namespace

Result<Value> evaluate(std::string_view expression, const Surroundings& surroundings) {
  return Parser(expression, surroundings).whole();
}

}  // namespace sagelet::cloudwatch
