#pragma once
// One validator, AWS's own wording: all violations of a request in one message.
#include <optional>
#include <string>

#include "server/model/document.hpp"
#include "server/model/shapes.hpp"

namespace sagelet::model {

/// "2 validation errors detected: Value '...' at 'trainingJobName' failed to satisfy constraint: ...";
/// nullopt when `params` satisfies `shape`. Types were checked by the parser already. Patterns run under a
/// match limit.
std::optional<std::string> violations(const Shape& shape, const Document& params);

}  // namespace sagelet::model
