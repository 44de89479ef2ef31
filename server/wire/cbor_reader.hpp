#pragma once
// CBOR (RFC 8949) into a Document by shape, as AWS's RPC v2 sends it: one item, definite or indefinite
// lengths, timestamps under tag 1.
#include <string_view>

#include "server/model/call.hpp"
#include "server/model/shapes.hpp"

namespace sagelet::wire {

/// Nesting is limited, lengths are held against what is there: nothing is reserved on a client's word. The
/// error is a SerializationException. An empty body is an empty structure.
Reply<Document> read_cbor(const model::Shape& shape, std::string_view bytes);

}  // namespace sagelet::wire
