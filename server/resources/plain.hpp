#pragma once
// Nouns without behaviour: create, describe, list and delete from a row of data and the service's model.
#include <string>
#include <utility>
#include <vector>

#include "server/resources/resource_type.hpp"

namespace sagelet::resources {

using Call = std::function<Reply<Output>(Context&, Input)>;

/// The request's members that `answer` has too: what Describe echoes.
Document echoed(const model::Shape& answer, const Document& params);
/// The text of a JSON object without its braces.
std::string members_text(const Document& object);

/// Create<noun>, Describe<noun>, List<plural> and Delete<noun>, as far as the model has them. What Describe
/// and List show follows from their output shapes. `type` must outlive the calls.
std::vector<std::pair<std::string, Call>> plain_calls(const model::ServiceModel& service,
                                                      const ResourceType& type, storage::Ledger& ledger);

}  // namespace sagelet::resources
