#pragma once
// A request's head and a response, as plain data.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/body.hpp"
#include "server/http/headers.hpp"

namespace sagelet::http {

/// Who is at the other end of the connection.
struct Peer {
  std::string address;  ///< without the port
  bool loopback = true;
  bool tls = false;
  std::string tunnel_host;  ///< the name the client CONNECTed to (we ended its TLS), else empty
};

struct Head {
  std::string method;  ///< upper case as sent
  std::string target;  ///< exactly as sent: nothing decoded, no dots or slashes folded
  Headers headers;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool expect_continue = false;
  Peer peer;

  std::string_view path() const;   ///< target up to '?'
  std::string_view query() const;  ///< target after '?', without it
};

struct Response {
  int status = 200;
  Headers headers;  ///< net adds Content-Length or Transfer-Encoding, Date, Connection, Server
  Body body;
  bool close = false;  ///< end the connection after this answer
  /// A HEAD answer says how long the body would be; net sends no body.
  std::optional<std::uint64_t> content_length_only;

  static Response text(int status, std::string body, std::string content_type = "text/plain; charset=utf-8");
};

std::string_view reason_phrase(int status);

}  // namespace sagelet::http
