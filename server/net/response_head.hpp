#pragma once
// How an answer is framed, and its head as bytes. Knows no socket.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/message.hpp"

namespace sagelet::net {

/// What of the request decides how its answer is framed.
struct RequestFacts {
  bool is_head = false;
  bool is_http10 = false;
  bool keep_alive = true;
};

struct Framing {
  bool sends_body = false;  ///< bytes follow the head
  bool chunked = false;
  std::optional<std::uint64_t> length;  ///< Content-Length, when it is said
  bool close = false;                   ///< the connection ends after this answer
};

Framing framing_of(const http::Response& response, const RequestFacts& request);

/// Appends status line and fields, with the empty line. The fields that frame the message are ours: those the
/// handler set are left out. Line breaks in a value become blanks, so no value can start a field of its own.
void append_head(std::string& out, const http::Response& response, const Framing& framing,
                 const RequestFacts& request, std::string_view date);

}  // namespace sagelet::net
