#include "server/services/s3/access/policy_condition.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/time_text.hpp"
#include "nlohmann/json.hpp"
#include "server/services/s3/access/address_range.hpp"
#include "server/services/s3/access/condition_keys.hpp"
#include "server/services/s3/errors.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::array kOperators{
    ConditionOperator{"StringEquals", Comparison::kString},
    ConditionOperator{"StringNotEquals", Comparison::kString, Relation::kEquals, true},
    ConditionOperator{"StringEqualsIgnoreCase", Comparison::kStringIgnoreCase},
    ConditionOperator{"StringNotEqualsIgnoreCase", Comparison::kStringIgnoreCase, Relation::kEquals, true},
    ConditionOperator{"StringLike", Comparison::kStringLike},
    ConditionOperator{"StringNotLike", Comparison::kStringLike, Relation::kEquals, true},
    ConditionOperator{"NumericEquals", Comparison::kNumeric},
    ConditionOperator{"NumericNotEquals", Comparison::kNumeric, Relation::kEquals, true},
    ConditionOperator{"NumericLessThan", Comparison::kNumeric, Relation::kLess},
    ConditionOperator{"NumericLessThanEquals", Comparison::kNumeric, Relation::kLessEquals},
    ConditionOperator{"NumericGreaterThan", Comparison::kNumeric, Relation::kGreater},
    ConditionOperator{"NumericGreaterThanEquals", Comparison::kNumeric, Relation::kGreaterEquals},
    ConditionOperator{"DateEquals", Comparison::kDate},
    ConditionOperator{"DateNotEquals", Comparison::kDate, Relation::kEquals, true},
    ConditionOperator{"DateLessThan", Comparison::kDate, Relation::kLess},
    ConditionOperator{"DateLessThanEquals", Comparison::kDate, Relation::kLessEquals},
    ConditionOperator{"DateGreaterThan", Comparison::kDate, Relation::kGreater},
    ConditionOperator{"DateGreaterThanEquals", Comparison::kDate, Relation::kGreaterEquals},
    ConditionOperator{"Bool", Comparison::kBool},
    ConditionOperator{"BinaryEquals", Comparison::kString},
    ConditionOperator{"IpAddress", Comparison::kIp},
    ConditionOperator{"NotIpAddress", Comparison::kIp, Relation::kEquals, true},
    ConditionOperator{"ArnEquals", Comparison::kArn},
    ConditionOperator{"ArnLike", Comparison::kArn},
    ConditionOperator{"ArnNotEquals", Comparison::kArn, Relation::kEquals, true},
    ConditionOperator{"ArnNotLike", Comparison::kArn, Relation::kEquals, true},
    ConditionOperator{"Null", Comparison::kNull},
};

const ConditionOperator* find_operator(std::string_view name) {
  const auto found = std::find_if(kOperators.begin(), kOperators.end(),
                                  [&](const ConditionOperator& known) { return known.name == name; });
  return found == kOperators.end() ? nullptr : &*found;
}

bool cut_front(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

bool cut_back(std::string_view& text, std::string_view what) {
  if (!text.ends_with(what)) return false;
  text.remove_suffix(what.size());
  return true;
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// ISO 8601, also only a date; or seconds since 1970.
std::optional<double> date_of(std::string_view text) {
  if (const auto seconds = number_of(text)) return seconds;
  const bool only_date = text.find('T') == text.npos;
  const auto time = parse_iso8601(std::string(text) + (only_date ? "T00:00:00Z" : ""));
  if (!time) return std::nullopt;
  return static_cast<double>(to_millis(*time)) / 1000;
}

bool ordered(Relation relation, const std::optional<double>& given, const std::optional<double>& wanted) {
  if (!given || !wanted) return false;
  switch (relation) {
    case Relation::kLess:
      return *given < *wanted;
    case Relation::kLessEquals:
      return *given <= *wanted;
    case Relation::kGreater:
      return *given > *wanted;
    case Relation::kGreaterEquals:
      return *given >= *wanted;
    case Relation::kEquals:
      break;
  }
  return *given == *wanted;
}

bool in_range(std::string_view wanted, std::string_view given) {
  const auto range = AddressRange::parse(wanted), address = AddressRange::parse(given);
  return range && address && range->contains(*address);
}

/// Piece by piece: a wildcard does not reach over a ':'.
bool arn_fits(const Wildcards& wanted, std::string_view given) {
  std::size_t begin = 0;
  for (int piece = 0; piece < 5; ++piece) {
    const auto end = wanted.find(':', begin), given_end = given.find(':');
    if (end == std::string::npos || given_end == given.npos) return false;
    if (!wanted.part(begin, end - begin).matches(given.substr(0, given_end))) return false;
    begin = end + 1;
    given.remove_prefix(given_end + 1);
  }
  return wanted.part(begin).matches(given);
}

Reply<std::string> value_text(const Document& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number()) return value.dump();
  return errors::malformed_policy("Invalid policy syntax.");
}

}  // namespace

Reply<PolicyCondition> PolicyCondition::parse(std::string_view name, std::string_view key,
                                              const Document& values) {
  PolicyCondition made;
  auto bare = name;
  if (cut_front(bare, "ForAllValues:"))
    made.quantifier_ = Quantifier::kAll;
  else if (cut_front(bare, "ForAnyValue:"))
    made.quantifier_ = Quantifier::kAny;
  made.if_exists_ = cut_back(bare, "IfExists");
  made.operator_ = find_operator(bare);
  if (made.operator_ == nullptr || (made.if_exists_ && made.operator_->comparison == Comparison::kNull))
    return errors::malformed_policy("Invalid Condition type : " + std::string(name));
  if (!known_condition_key(key)) return errors::malformed_policy("Policy has an invalid condition key");
  made.key_ = condition_key(key);
  if (!values.is_array()) {
    TRY(made.values_.emplace_back(), value_text(values));
    return made;
  }
  for (const auto& value : values) {
    TRY(made.values_.emplace_back(), value_text(value));
  }
  return made;
}

bool PolicyCondition::holds(const ConditionValues& request, bool variables) const {
  const auto given = request(key_);
  if (operator_->comparison == Comparison::kNull) {
    return std::find(values_.begin(), values_.end(), given.empty() ? "true" : "false") != values_.end();
  }
  if (given.empty()) {
    if (if_exists_ || quantifier_ == Quantifier::kAll) return true;
    return operator_->negated && quantifier_ != Quantifier::kAny;
  }
  const auto wanted = [&](const std::string& value) {
    return fits(value, request, variables) != operator_->negated;
  };
  // of a key with one value both come to the same; a negation must hold for each
  const bool all = quantifier_ == Quantifier::kAll || (quantifier_ == Quantifier::kOne && operator_->negated);
  return all ? std::all_of(given.begin(), given.end(), wanted)
             : std::any_of(given.begin(), given.end(), wanted);
}

bool PolicyCondition::fits(std::string_view given, const ConditionValues& request, bool variables) const {
  return std::any_of(values_.begin(), values_.end(),
                     [&](const std::string& wanted) { return equal(wanted, given, request, variables); });
}

bool PolicyCondition::equal(std::string_view wanted, std::string_view given, const ConditionValues& request,
                            bool variables) const {
  const auto pattern = [&](bool wild) -> std::optional<Wildcards> {
    if (variables)
      return Wildcards::with_variables(wanted, request,
                                       wild ? Wildcards::Stars::kWild : Wildcards::Stars::kPlain);
    return wild ? Wildcards::of(wanted) : Wildcards::literal(wanted);
  };
  const auto matches = [&](bool wild, Wildcards::Case letters = Wildcards::Case::kExact) {
    const auto expanded = pattern(wild);
    return expanded && expanded->matches(given, letters);
  };
  switch (operator_->comparison) {
    case Comparison::kString:
      return matches(false);
    case Comparison::kStringIgnoreCase:
      return matches(false, Wildcards::Case::kIgnored);
    case Comparison::kStringLike:
      return matches(true);
    case Comparison::kNumeric:
      return ordered(operator_->relation, number_of(given), number_of(wanted));
    case Comparison::kDate:
      return ordered(operator_->relation, date_of(given), date_of(wanted));
    case Comparison::kBool:
      return Wildcards::literal(wanted).matches(given, Wildcards::Case::kIgnored);
    case Comparison::kIp:
      return in_range(wanted, given);
    case Comparison::kArn: {
      const auto expanded = pattern(true);
      return expanded && arn_fits(*expanded, given);
    }
    case Comparison::kNull:
      break;
  }
  return false;
}

bool PolicyCondition::names_callers() const {
  if (operator_->negated || if_exists_ || quantifier_ == Quantifier::kAll || values_.empty()) return false;
  if (operator_->comparison == Comparison::kNull || operator_->comparison == Comparison::kBool) return false;
  if (!key_of_caller(key_)) return false;
  return std::all_of(values_.begin(), values_.end(), [&](const std::string& value) {
    if (operator_->comparison == Comparison::kIp) {
      const auto range = AddressRange::parse(value);
      return range && !range->very_broad();
    }
    return !Wildcards::of(value).has_wildcard() && !has_variable(value);
  });
}

}  // namespace sagelet::s3
