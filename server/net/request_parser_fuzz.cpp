// Any bytes, cut anywhere: the parser never crashes, never gives more than it got, and never stalls while it
// has a whole request in front of it.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/net/request_parser.hpp"
#include "server/net/response_head.hpp"

namespace {

using sagelet::net::RequestParser;
using Outcome = RequestParser::Outcome;

void check(bool promise) {
  if (!promise) std::abort();
}

void answer(const sagelet::http::Head& head) {
  sagelet::http::Response response;
  for (const auto& field : head.headers) response.headers.add("X-Echo", field.value);
  response.headers.add("X-Target", head.target);
  const sagelet::net::RequestFacts facts;
  std::string text;
  append_head(text, response, framing_of(response, facts), facts, "now");
  check(text.find("\r\n\r\n") == text.size() - 4);
}

/// One request from the front of `bytes`; gives how many it took.
std::size_t one_request(std::string_view bytes, std::size_t piece) {
  RequestParser parser(2048);
  std::size_t given = 0, taken = 0, body = 0;
  bool head_done = false;
  const RequestParser::BodyTaker take = [&](std::string_view part) { body += part.size(); };
  while (given < bytes.size()) {
    given = std::min(bytes.size(), given + piece);
    Outcome outcome = Outcome::kMore;
    std::size_t used = 0;
    if (!head_done) {
      outcome = parser.parse_head(bytes.substr(taken, given - taken), used);
      check(used <= given - taken);
      taken += used;
      head_done = outcome == Outcome::kDone;
      if (head_done) {
        sagelet::http::Head head = parser.take_head();
        answer(head);
        if (sagelet::net::head_fault(head, parser.is_http10())) return bytes.size();
      }
    }
    if (head_done && !parser.done() && taken < given) {
      outcome = parser.parse_body(bytes.substr(taken, given - taken), used, take);
      check(used <= given - taken);
      taken += used;
    }
    check(body <= taken);
    if (head_done && parser.done()) return taken;
    if (outcome != Outcome::kMore && outcome != Outcome::kDone) return bytes.size();
  }
  return bytes.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = 1 + data[0] % 64;
  std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  while (!bytes.empty()) bytes.remove_prefix(one_request(bytes, piece));
  return 0;
}
