#pragma once
// Answers as the OCI distribution specification has them; what the store refuses becomes its error codes here
// and nowhere else.
#include <string>
#include <string_view>

#include "server/http/message.hpp"
#include "server/images/refused.hpp"

namespace sagelet::registry {

/// {"errors": [{"code": ..., "message": ...}]}
http::Response failure(int status, std::string_view code, std::string_view message);
http::Response failure(const images::Refused& refused);
/// Without a body.
http::Response empty(int status);
http::Response json(std::string text, std::string_view content_type = "application/json");

/// A T, or the answer that says why not. For TRY.
template <class T>
using Step = tl::expected<T, http::Response>;

/// The value, or the store's refusal as an answer.
template <class T>
Step<T> lift(images::Outcome<T> outcome) {
  if (!outcome) return tl::unexpected(failure(outcome.error()));
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*outcome);
  }
}

}  // namespace sagelet::registry
