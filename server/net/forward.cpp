// A request in absolute form, sent on to its host or to the next proxy. One answer, then the connection ends.
#include <boost/asio/co_spawn.hpp>
#include <charconv>
#include <exception>

#include "server/http/uri.hpp"
#include "server/net/connection.hpp"
#include "server/net/loop.hpp"
#include "server/net/signal.hpp"

namespace sagelet::net {

namespace {

constexpr std::size_t kPiece = 64 * 1024;

/// Is `name` among the comma-separated names of `list`?
bool listed(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(std::min(list.size(), comma + 1));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (http::same_name(item, name)) return true;
  }
  return false;
}

bool is_hop_by_hop(std::string_view name, std::string_view connection) {
  for (const std::string_view known :
       {"connection", "proxy-connection", "keep-alive", "te", "trailer", "upgrade", "proxy-authorization",
        "proxy-authenticate", "transfer-encoding", "host"})
    if (http::same_name(name, known)) return true;
  return listed(connection, name);
}

std::string head_for(const http::Head& head, const http::ProxyDecision& decision) {
  const auto target = http::split_absolute(head.target);
  std::string text = head.method + " ";
  if (!decision.via_host.empty()) {
    text += head.target;
  } else {
    text.append(target->origin.starts_with('/') ? "" : "/").append(target->origin);
  }
  text.append(" HTTP/1.1\r\nHost: ").append(target->authority).append("\r\n");
  const std::string connection = head.headers.joined("connection");
  for (const http::Header& field : head.headers)
    if (!is_hop_by_hop(field.name, connection)) text += field.name + ": " + field.value + "\r\n";
  if (head.chunked) text += "Transfer-Encoding: chunked\r\n";
  if (!decision.via_host.empty() && !decision.via_authorization.empty())
    text += "Proxy-Authorization: " + decision.via_authorization + "\r\n";
  return text + "Connection: close\r\n\r\n";
}

void append_chunk(std::string& out, std::string_view bytes) {
  char digits[16];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, bytes.size(), 16).ptr);
  out.append("\r\n").append(bytes).append("\r\n");
}

}  // namespace

Task<bool> Connection::forward(http::Head head, http::ProxyDecision decision, Destination to) {
  core_.tunnels.fetch_add(1, std::memory_order_relaxed);
  channel_.clear_deadline();
  Destination next = decision.via_host.empty() ? to : Destination{decision.via_host, decision.via_port};
  Result<std::unique_ptr<Channel>> upstream =
      co_await dial(channel_.loop(), std::move(next), visitor_of(decision));
  if (!upstream) co_return co_await refuse(cannot_reach(to, decision, upstream.error()));
  const std::string text = head_for(head, decision);
  (*upstream)->move_deadline();
  channel_.move_deadline();
  const bool asked = co_await (*upstream)->write(text);
  if (!asked) co_return false;

  Signal answered(channel_.loop().executor(), 1);
  std::uint64_t received = 0;
  auto ended = [this, &answered, &received](const std::exception_ptr&, Pumped pumped) {
    received = pumped.bytes;
    if (!parser_->done()) channel_.abort();  // an answer before the body's end: nobody reads the rest
    answered.arrive();
  };
  asio::co_spawn(channel_.loop().executor(), pump(**upstream, channel_), ended);
  const bool passed_on = co_await send_body_on(**upstream, head.chunked);
  if (!passed_on) (*upstream)->abort();
  co_await answered.wait();
  if (received == 0 && !channel_.is_aborted())
    co_return co_await refuse(http::Response::text(502, "Sagelet got no answer from " + to.str() + ".\n"));
  channel_.end_writing();
  co_return false;
}

Task<bool> Connection::send_body_on(Channel& upstream, bool chunked) {
  std::string piece;
  const RequestParser::BodyTaker take = [&piece, chunked](std::string_view bytes) {
    if (chunked) {
      append_chunk(piece, bytes);
    } else {
      piece += bytes;
    }
  };
  bool fresh = !channel_.in().empty();
  while (!parser_->done()) {
    if (!fresh) {
      const Fill got = co_await channel_.fill(kPiece);
      if (got != Fill::kBytes) co_return false;
    }
    fresh = false;
    std::size_t used = 0;
    const auto outcome = parser_->parse_body(channel_.in().view(), used, take);
    channel_.in().consume(used);
    if (outcome != RequestParser::Outcome::kMore && outcome != RequestParser::Outcome::kDone) co_return false;
    if (outcome == RequestParser::Outcome::kMore && channel_.in().size() > kPiece) co_return false;
    const bool written = co_await upstream.write(piece);
    if (!written) co_return false;
    piece.clear();
    channel_.move_deadline();
    upstream.move_deadline();
  }
  if (chunked) co_return co_await upstream.write("0\r\n\r\n");
  co_return true;
}

}  // namespace sagelet::net
