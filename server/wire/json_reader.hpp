#pragma once
// JSON text into a Document by shape, in one pass: wrong types are found where they stand, members that the
// model does not have are passed over, nesting is limited.
#include <string_view>

#include "server/model/call.hpp"
#include "server/model/shapes.hpp"

namespace sagelet::wire {

inline constexpr std::size_t kMaxDepth = 100;

/// `body_only` leaves members bound to path, query and headers out. The error is a SerializationException
/// that names the place. An empty text is an empty structure.
Reply<Document> read_json(const model::Shape& shape, std::string_view text, bool body_only = false);

}  // namespace sagelet::wire
