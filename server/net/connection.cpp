#include "server/net/connection.hpp"

#include "server/net/loop.hpp"
#include "server/net/send.hpp"

namespace sagelet::net {

namespace {

constexpr std::size_t kFirstRead = 8 * 1024;

http::Response malformed(std::string_view bytes) {
  const bool is_tls = bytes.starts_with('\x16');
  http::Response response = http::Response::text(400, is_tls ? "This port speaks plain HTTP: use http://.\n"
                                                             : "This is not a well-formed HTTP request.\n");
  response.close = true;
  return response;
}

http::Response closing(int status, std::string text) {
  http::Response response = http::Response::text(status, std::move(text));
  response.close = true;
  return response;
}

}  // namespace

Connection::Connection(Core& core, Loop& loop, UniqueFd socket, http::Peer peer)
    : core_(core), channel_(loop, std::move(socket)), peer_(std::move(peer)) {
  if (!core_.options.for_nodes) return;
  peer_.visit = &visit_;
  channel_.belong_to(&visit_);
}

Task<void> Connection::run() {
  for (;;) {
    const bool heard = co_await read_head();
    if (!heard) co_return;
    core_.requests.fetch_add(1, std::memory_order_relaxed);
    const bool goes_on = co_await handle();
    if (!goes_on) co_return;
    visit_.over.reset();
    channel_.in().shrink();
    if (scratch_.capacity() > 4 * kFirstRead) std::string().swap(scratch_);
  }
}

/// False: nothing more to serve here.
Task<bool> Connection::read_head() {
  parser_.emplace(core_.options.head_limit);
  facts_ = RequestFacts();
  bool started = false;
  for (;;) {
    bool complete = false;
    if (!channel_.in().empty()) {
      if (auto refusal = parse_head(complete)) co_return co_await refuse(std::move(*refusal));
    }
    if (complete) co_return true;
    const bool starts = !started && (!channel_.in().empty() || parser_->has_started());
    if (starts) channel_.set_deadline(channel_.loop().now() + core_.options.head_timeout);
    started = started || starts;
    const Fill fill = co_await read_more_of_head(started);
    if (fill == Fill::kLate && started && !core_.stopping)
      co_await refuse(closing(408, "The request took too long to arrive.\n"));
    if (fill != Fill::kBytes) co_return false;
  }
}

Task<Fill> Connection::read_more_of_head(bool started) {
  if (!started) {
    if (core_.stopping) co_return Fill::kLate;
    channel_.set_idle(true);
    channel_.move_deadline();
  }
  const Fill fill = co_await channel_.fill(channel_.in().empty() ? kFirstRead : channel_.in().size());
  channel_.set_idle(false);
  co_return fill;
}

/// A response: the head is refused.
std::optional<http::Response> Connection::parse_head(bool& complete) {
  Input& in = channel_.in();
  if (!parser_->has_started())
    while (in.view().starts_with('\r') || in.view().starts_with('\n'))
      in.consume(1);  // RFC 9112 2.2: empty lines
  if (in.empty()) return std::nullopt;
  std::size_t used = 0;
  switch (parser_->parse_head(in.view(), used)) {
    case RequestParser::Outcome::kMalformed:
      return malformed(in.view());
    case RequestParser::Outcome::kTooLarge:
      return closing(431, "The request's head is larger than this server takes.\n");
    case RequestParser::Outcome::kVersion:
      return closing(505, "Only HTTP/1.1 and HTTP/1.0.\n");
    case RequestParser::Outcome::kDone:
      complete = true;
      break;
    case RequestParser::Outcome::kMore:
      break;
  }
  in.consume(used);
  return std::nullopt;
}

Task<bool> Connection::handle() {
  facts_.is_http10 = parser_->is_http10();
  facts_.keep_alive = parser_->keeps_alive() && !core_.stopping;
  http::Head head = parser_->take_head();
  facts_.is_head = head.method == "HEAD";
  head.peer = peer_;
  if (auto fault = head_fault(head, facts_.is_http10)) co_return co_await refuse(std::move(*fault));
  const bool expects = http::same_name(head.headers.get("expect"), "100-continue");  // others say nothing
  head.expect_continue = expects && !facts_.is_http10 && !parser_->done();
  if (head.method == "CONNECT") co_return co_await connect(std::move(head));
  if (head.target.empty()) co_return co_await refuse(malformed({}));
  if (head.target.front() != '/' && head.target != "*") co_return co_await absolute(std::move(head));
  co_return co_await serve(std::move(head));
}

/// Answers and ends the connection; the rest of what the client sends is read and forgotten.
Task<bool> Connection::refuse(http::Response response) {
  response.close = true;
  channel_.move_deadline();
  const Framing framing = framing_of(response, facts_);
  const bool sent = co_await send_response(channel_, core_, response, framing, facts_, scratch_);
  if (sent) co_await channel_.linger();
  co_return false;
}

}  // namespace sagelet::net
