#include "server/services/logs/get_events.hpp"

#include <algorithm>
#include <charconv>

#include "fmt/format.h"
#include "server/resources/decide.hpp"
#include "server/services/logs/lookup.hpp"
#include "server/services/logs/rows.hpp"

namespace sagelet::logs {

using resources::lifted;
using storage::Connection;

namespace {

constexpr std::int64_t kLargestPage = 1 << 20;
constexpr std::size_t kTokenLength = 60;  // f/ and 20 + 18 + 18 digits and /s

struct Token {
  bool forward = true;
  Position at;
};

std::string text_of(char direction, const Position& at) {
  return fmt::format("{}/{:020d}{:018d}{:018d}/s", direction, at.time_ms, at.row, at.index);
}

bool digits(std::string_view text, std::int64_t& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

Reply<Token> parse_token(const std::string& text) {
  Token token{.forward = text.starts_with("f/")};
  const std::string_view view = text;
  const bool whole = view.size() == kTokenLength && (token.forward || view.starts_with("b/")) &&
                     view.ends_with("/s") && digits(view.substr(2, 20), token.at.time_ms) &&
                     digits(view.substr(22, 18), token.at.row) && digits(view.substr(40, 18), token.at.index);
  if (!whole) return invalid_parameter("The specified nextToken is invalid.");
  return token;
}

/// As many of `from` as page and limit have room for: from its front, or from its back. False: it is full.
class PageFilling {
 public:
  explicit PageFilling(std::int64_t limit) : limit_(limit) {}

  bool add_front_to_back(std::vector<PlacedEvent>& from) {
    return std::all_of(from.begin(), from.end(), [this](PlacedEvent& event) { return take(event); });
  }
  bool add_back_to_front(std::vector<PlacedEvent>& from) {
    return std::all_of(from.rbegin(), from.rend(), [this](PlacedEvent& event) { return take(event); });
  }
  std::vector<PlacedEvent> events;

 private:
  bool take(PlacedEvent& event) {
    bytes_ += billed_bytes(event.event.message);
    if (static_cast<std::int64_t>(events.size()) == limit_ || (bytes_ > kLargestPage && !events.empty()))
      return false;
    events.push_back(std::move(event));
    return true;
  }
  std::int64_t limit_;
  std::int64_t bytes_ = 0;
};

Result<std::vector<PlacedEvent>> read_forward(Reader& reader, const std::optional<Token>& token,
                                              std::int64_t limit) {
  if (token) reader.start_after(token->at);
  PageFilling page(limit);
  bool room = true;
  while (room) {
    TRY(auto events, reader.next());
    if (events.empty()) break;
    room = page.add_front_to_back(events);
  }
  return std::move(page.events);
}

Result<std::vector<PlacedEvent>> read_backward(Reader& reader, const std::optional<Token>& token,
                                               std::int64_t limit) {
  reader.start_before(token ? token->at : Position{.time_ms = INT64_MAX});
  PageFilling page(limit);
  bool room = true;
  while (room) {
    TRY(auto events, reader.previous());
    if (events.empty()) break;
    room = page.add_back_to_front(events);
  }
  std::reverse(page.events.begin(), page.events.end());
  return std::move(page.events);
}

struct Tokens {
  std::string forward, backward;
};

Tokens tokens_of(const std::vector<PlacedEvent>& events, const std::optional<Token>& given) {
  if (!events.empty()) return {text_of('f', events.back().at), text_of('b', events.front().at)};
  if (!given) return {text_of('f', {}), text_of('b', {})};
  // Turning round at an end must meet the event that stands there again.
  Position other = given->at;
  other.index += given->forward ? 1 : -1;
  if (given->forward) return {text_of('f', given->at), text_of('b', other)};
  return {text_of('f', other), text_of('b', given->at)};
}

void write_page(model::Writer& writer, const std::vector<PlacedEvent>& events, const Tokens& tokens) {
  writer.member("events");
  writer.begin_list();
  for (const auto& placed : events) {
    writer.begin_structure();
    writer.member("timestamp");
    writer.integer(placed.event.time_ms);
    writer.member("message");
    writer.text(placed.event.message);
    writer.member("ingestionTime");
    writer.integer(placed.event.ingested_ms);
    writer.end_structure();
  }
  writer.end_list();
  writer.member("nextForwardToken");
  writer.text(tokens.forward);
  writer.member("nextBackwardToken");
  writer.text(tokens.backward);
}

}  // namespace

Reply<Output> get_events(storage::Ledger& ledger, const Context& context, const Input& input) {
  TRY(const std::string name, group_name(input));
  std::optional<Token> token;
  if (const auto text = input.maybe_text("nextToken")) {
    TRY(token, parse_token(*text));
  }
  const bool forward = token ? token->forward : input.flag("startFromHead");
  Window window{input.number("startTime", INT64_MIN), input.number("endTime", INT64_MAX)};
  if (token && forward)
    window.from_ms = std::max(window.from_ms, token->at.time_ms);  // rows before are not looked at
  std::vector<PlacedEvent> events;
  auto read = resources::look(ledger, [&](Connection& connection) -> Reply<void> {
    TRY(const Group group, named_group(connection, scope_of(context), name));
    TRY(const Stream stream, named_stream(connection, group, input.text("logStreamName")));
    TRY(Reader reader, lifted(Reader::open(connection, stream.id, window)));
    const auto limit = input.number("limit", 10000);
    TRY(events, lifted(forward ? read_forward(reader, token, limit) : read_backward(reader, token, limit)));
    return {};
  });
  TRY(std::move(read));
  Output output;
  output.rows = [tokens = tokens_of(events, token), events = std::move(events)](model::Writer& writer) {
    write_page(writer, events, tokens);
  };
  return output;
}

}  // namespace sagelet::logs
