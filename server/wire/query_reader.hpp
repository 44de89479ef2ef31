#pragma once
// A query-protocol form into a Document by shape: Filters.member.1.Name=x
#include "server/model/call.hpp"
#include "server/model/shapes.hpp"
#include "server/wire/form.hpp"

namespace sagelet::wire {

/// Members that the model does not have are passed over. The error is MalformedInput.
Reply<Document> read_query(const model::Shape& shape, Fields fields);

}  // namespace sagelet::wire
