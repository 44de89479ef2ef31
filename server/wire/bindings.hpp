#pragma once
// What the REST protocols share: members that live in the path, the query, the headers and the status.
#include <string>
#include <string_view>

#include "server/http/message.hpp"
#include "server/model/call.hpp"
#include "server/model/shapes.hpp"
#include "server/wire/protocol.hpp"

namespace sagelet::wire {

/// Members bound to path, query and headers. `code` is what the protocol calls a value that does not fit its
/// type.
Reply<Document> read_bound(const Match& match, const http::Head& head, std::string_view target,
                           std::string_view code);

/// Has the shape members that go into a body of text (no payload, location body)?
bool has_body_members(const model::Shape& shape);

/// Status and headers of an answer from its fields.
void write_bound(const model::Operation& operation, const Document& fields, http::Response& response);

}  // namespace sagelet::wire
