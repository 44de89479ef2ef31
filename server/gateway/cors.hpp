#pragma once
// What a browser asks for a page of another site, read from a request's head. The texts live as long as the
// head and `target` (as identify() gives it: /bucket/key).
#include <string_view>

#include "server/services/ports.hpp"

namespace sagelet::gateway {

/// Of a request that says where its page came from.
CorsQuestion cors_question(const http::Head& head, std::string_view target);
/// Of an OPTIONS request: BadRequest when it does not say enough.
Reply<CorsQuestion> preflight_question(const http::Head& head, std::string_view target);

}  // namespace sagelet::gateway
