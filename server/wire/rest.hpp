#pragma once
// What the two REST protocols share: routes, and a body that is members or one payload.
#include <functional>
#include <string_view>

#include "server/http/message.hpp"
#include "server/model/call.hpp"
#include "server/wire/protocol.hpp"

namespace sagelet::wire {

/// No operation when no route fits.
Match find_route(const model::ServiceModel& service, const http::Head& head, std::string_view target);

/// A body of one shape. `members`: beside them others may stand elsewhere in the request.
using ReadBody =
    std::function<Reply<Document>(const model::Shape& shape, std::string_view body, bool members)>;

/// Adds what the body holds to what the head did.
Reply<Document> with_body(Document params, const model::Shape* input, std::string_view body,
                          const ReadBody& read);

}  // namespace sagelet::wire
