#pragma once
// SearchExpression judged against one record. Pure data.
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json.hpp"

namespace sagelet::sagemaker {

/// Filters, NestedFilters and SubExpressions joined by Operator (And unless Or is said).
bool matches(const nlohmann::json& expression, const nlohmann::json& record);

/// Every value of a property: dots lead into structures, maps and each item of lists; Tags.<key> and
/// Metrics.<name> into tags and final metrics.
std::vector<const nlohmann::json*> property(const nlohmann::json& record, std::string_view name);

/// False only when no record whose JSON text is `text` can match: spares parsing it.
bool may_match(const nlohmann::json& expression, std::string_view text);

}  // namespace sagelet::sagemaker
