#pragma once
// One line of a statement's Condition: an operator, a key, the values that will do.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json_fwd.hpp"
#include "server/model/call.hpp"
#include "server/services/s3/access/wildcards.hpp"

namespace sagelet::s3 {

enum class Comparison { kString, kStringIgnoreCase, kStringLike, kNumeric, kDate, kBool, kIp, kArn, kNull };
enum class Relation { kEquals, kLess, kLessEquals, kGreater, kGreaterEquals };

/// StringNotLike, NumericLessThan, ... without what stands before and behind it.
struct ConditionOperator {
  std::string_view name;
  Comparison comparison;
  Relation relation = Relation::kEquals;
  bool negated = false;
};

class PolicyCondition {
 public:
  /// `name` may begin with ForAllValues: or ForAnyValue: and end in IfExists.
  static Reply<PolicyCondition> parse(std::string_view name, std::string_view key, const Document& values);

  /// `variables`: ${...} in the values are replaced (policies of version 2012-10-17).
  bool holds(const ConditionValues& request, bool variables) const;
  /// Does it leave over only callers whom nobody else can become? What AWS calls "not public".
  bool names_callers() const;

 private:
  enum class Quantifier { kOne, kAll, kAny };

  bool fits(std::string_view given, const ConditionValues& request, bool variables) const;
  bool equal(std::string_view wanted, std::string_view given, const ConditionValues& request,
             bool variables) const;

  const ConditionOperator* operator_ = nullptr;
  Quantifier quantifier_ = Quantifier::kOne;
  bool if_exists_ = false;
  std::string key_;  ///< as ConditionValues gets it
  std::vector<std::string> values_;
};

}  // namespace sagelet::s3
