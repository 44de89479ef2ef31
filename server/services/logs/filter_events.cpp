#include "server/services/logs/filter_events.hpp"

#include <algorithm>
#include <memory>
#include <queue>

#include "base/digest.hpp"
#include "fmt/format.h"
#include "server/resources/decide.hpp"
#include "server/services/logs/lookup.hpp"
#include "server/services/logs/pattern.hpp"
#include "server/services/logs/rows.hpp"

namespace sagelet::logs {

using resources::lifted;
using storage::Connection;

namespace {

constexpr std::int64_t kLargestPage = 1 << 20;

/// An event's place among all streams of a group.
struct Place {
  std::int64_t time_ms = 0, stream = 0, row = 0, index = 0;
  auto operator<=>(const Place&) const = default;
};

std::string token_of(const Place& place) {
  return to_base64(fmt::format("{} {} {} {}", place.time_ms, place.stream, place.row, place.index));
}

Reply<Place> parse_token(const std::string& token) {
  std::string text;
  Place place;
  const bool whole = from_base64(token, text) && text.size() < 90 &&
                     std::sscanf(text.c_str(), "%ld %ld %ld %ld", &place.time_ms, &place.stream, &place.row,
                                 &place.index) == 4;
  if (!whole) return invalid_parameter("The specified nextToken is invalid.");
  return place;
}

/// One stream being read: its next event is at the front.
class Cursor {
 public:
  static Result<std::unique_ptr<Cursor>> open(Connection& connection, const Stream& stream, Window window) {
    TRY(auto reader, Reader::open(connection, stream.id, window));
    auto cursor = std::unique_ptr<Cursor>(new Cursor(stream, std::move(reader)));
    TRY(cursor->load());
    return cursor;
  }

  bool at_end() const { return at_ == events_.size(); }
  const Event& event() const { return events_[at_].event; }
  Place place() const {
    const Position& at = events_[at_].at;
    return {at.time_ms, stream_.id, at.row, at.index};
  }
  const std::string& stream_name() const { return stream_.name; }
  Status advance() {
    if (++at_ < events_.size()) return {};
    return load();
  }

 private:
  Cursor(const Stream& stream, Reader reader) : stream_(stream), reader_(std::move(reader)) {}
  Status load() {
    at_ = 0;
    TRY(events_, reader_.next());
    return {};
  }

  Stream stream_;
  Reader reader_;
  std::vector<PlacedEvent> events_;
  std::size_t at_ = 0;
};

using Cursors = std::vector<std::unique_ptr<Cursor>>;

struct Found {
  std::string stream;
  Place place;
  Event event;
};

struct Search {
  Pattern pattern;
  Window window;
  std::optional<Place> after;
  std::int64_t limit = 10000;
};

struct Page {
  std::vector<Found> events;
  std::optional<Place> next;
};

Reply<std::vector<Stream>> streams_of(Connection& connection, const Group& group, const Input& input) {
  if (!input.has("logStreamNames"))
    return lifted(streams_by_name(connection, group.id, input.text("logStreamNamePrefix"), false, "", -1));
  std::vector<Stream> streams;
  for (const auto& name : input.params.at("logStreamNames")) {
    TRY(auto stream, named_stream(connection, group, name.get<std::string>()));
    streams.push_back(std::move(stream));
  }
  return streams;
}

Result<Cursors> open_all(Connection& connection, const std::vector<Stream>& streams, const Search& search) {
  Window window = search.window;
  if (search.after) window.from_ms = std::max(window.from_ms, search.after->time_ms);
  Cursors cursors;
  for (const Stream& stream : streams) {
    if (!stream.last_event_ms || *stream.last_event_ms < window.from_ms) continue;
    TRY(auto cursor, Cursor::open(connection, stream, window));
    if (!cursor->at_end()) cursors.push_back(std::move(cursor));
  }
  return cursors;
}

/// Takes events in order from whichever stream has the next one.
Result<Page> merge(Cursors cursors, const Search& search) {
  const auto later = [](const Cursor* a, const Cursor* b) { return a->place() > b->place(); };
  std::priority_queue<Cursor*, std::vector<Cursor*>, decltype(later)> queue(later);
  for (const auto& cursor : cursors) queue.push(cursor.get());
  Page page;
  std::int64_t bytes = 0;
  while (!queue.empty()) {
    Cursor* cursor = queue.top();
    queue.pop();
    const bool seen = search.after && cursor->place() <= *search.after;
    if (!seen && search.pattern.matches(cursor->event().message)) {
      if (static_cast<std::int64_t>(page.events.size()) == search.limit || bytes > kLargestPage) {
        page.next = page.events.back().place;
        return page;
      }
      bytes += billed_bytes(cursor->event().message);
      page.events.push_back({cursor->stream_name(), cursor->place(), cursor->event()});
    }
    TRY(cursor->advance());
    if (!cursor->at_end()) queue.push(cursor);
  }
  return page;
}

void write_event(model::Writer& writer, const Found& found) {
  writer.begin_structure();
  writer.member("logStreamName");
  writer.text(found.stream);
  writer.member("timestamp");
  writer.integer(found.event.time_ms);
  writer.member("message");
  writer.text(found.event.message);
  writer.member("ingestionTime");
  writer.integer(found.event.ingested_ms);
  writer.member("eventId");
  writer.text(fmt::format("{:020d}{:012d}{:012d}{:012d}", found.place.time_ms, found.place.stream,
                          found.place.row, found.place.index));
  writer.end_structure();
}

void write_page(model::Writer& writer, const Page& page) {
  writer.member("events");
  writer.begin_list();
  for (const Found& found : page.events) write_event(writer, found);
  writer.end_list();
  writer.member("searchedLogStreams");
  writer.begin_list();
  writer.end_list();
  if (!page.next) return;
  writer.member("nextToken");
  writer.text(token_of(*page.next));
}

Reply<Search> search_of(const Input& input) {
  if (input.has("logStreamNames") && input.has("logStreamNamePrefix"))
    return invalid_parameter("logStreamNames and logStreamNamePrefix cannot both be specified.");
  Search search{.window = {input.number("startTime", INT64_MIN), input.number("endTime", INT64_MAX)},
                .limit = input.number("limit", 10000)};
  auto pattern = Pattern::parse(input.text("filterPattern"));
  if (!pattern) return invalid_parameter(pattern.error().message());
  search.pattern = std::move(*pattern);
  if (const auto token = input.maybe_text("nextToken")) {
    TRY(search.after, parse_token(*token));
  }
  return search;
}

}  // namespace

Reply<Output> filter_events(storage::Ledger& ledger, const Context& context, const Input& input) {
  TRY(const std::string name, group_name(input));
  TRY(const Search search, search_of(input));
  auto page = std::make_shared<Page>();
  auto read = resources::look(ledger, [&](Connection& connection) -> Reply<void> {
    TRY(const Group group, named_group(connection, scope_of(context), name));
    TRY(const auto streams, streams_of(connection, group, input));
    TRY(auto cursors, lifted(open_all(connection, streams, search)));
    TRY(*page, lifted(merge(std::move(cursors), search)));
    return {};
  });
  TRY(std::move(read));
  Output output;
  output.rows = [page](model::Writer& writer) { write_page(writer, *page); };
  return output;
}

}  // namespace sagelet::logs
