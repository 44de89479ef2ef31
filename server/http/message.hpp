#pragma once
// A request's head and a response, as plain data.
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/body.hpp"
#include "server/http/headers.hpp"

namespace sagelet::http {

/// A connection of the listener that nodes reach, and how long what is under way on it may go on. Whoever
/// lets a request in sets `over`; net takes it back when the request is answered, and ends the connection
/// when it says so before. Touched on the connection's thread only.
struct Visit {
  std::shared_ptr<const std::atomic<bool>> over;
  bool is_over() const { return over && over->load(std::memory_order_relaxed); }
};

/// Who is at the other end of the connection.
struct Peer {
  std::string address;  ///< without the port
  bool loopback = true;
  bool tls = false;
  std::string tunnel_host;  ///< the name the client CONNECTed to (we ended its TLS), else empty
  Visit* visit = nullptr;   ///< it came by the listener that nodes reach; null: by the other one
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
