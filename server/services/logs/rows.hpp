#pragma once
// Events in rows of the ledger: packed some hundred to a row, so that writing and paging touch few of them.
// Bytes: docs/formats/logs.md.
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "server/services/logs/store.hpp"

namespace sagelet::logs {

struct Event {
  std::int64_t time_ms = 0;
  std::int64_t ingested_ms = 0;
  std::string message;
};

/// Where an event stands in its stream: by time, events of one time in the order they arrived. Stays the same
/// for ever.
struct Position {
  std::int64_t time_ms = 0;
  std::int64_t row = 0;    ///< from 1
  std::int64_t index = 0;  ///< within the row
  auto operator<=>(const Position&) const = default;
};

struct PlacedEvent {
  Position at;
  Event event;
};

/// Adds events, which are in order of time, behind what is there; updates the stream's record too. With no
/// events only the batch is counted.
Status append(storage::Connection& connection, Stream& stream, std::span<const Event> events,
              std::int64_t now_ms);

/// What CloudWatch counts for an event: its bytes and 26 more.
inline std::int64_t billed_bytes(std::string_view message) {
  return static_cast<std::int64_t>(message.size()) + 26;
}

/// From (included) until (not included).
struct Window {
  std::int64_t from_ms = INT64_MIN;
  std::int64_t until_ms = INT64_MAX;
};

/// Walks a stream's events in order, forwards or backwards, a few rows at a time. Rows that overlap in time
/// (a batch that came late) are read together and sorted.
class Reader {
 public:
  static Result<Reader> open(storage::Connection& connection, std::int64_t stream, Window window);

  /// Behind or before a position: call first.
  void start_after(const Position& position);
  void start_before(const Position& position);
  /// The next events in the direction of time; empty: there are no more. They are in order.
  Result<std::vector<PlacedEvent>> next();
  /// The events before those; they are in order too.
  Result<std::vector<PlacedEvent>> previous();

 private:
  struct Row {
    std::int64_t number = 0, first_ms = 0, last_ms = 0;
  };
  /// Rows [begin, end) of rows_ that overlap.
  struct Run {
    std::size_t begin = 0, end = 0;
    std::int64_t first_ms = 0, last_ms = 0;
  };
  Result<std::vector<PlacedEvent>> load(const Run& run);
  bool wanted(const PlacedEvent& placed) const;

  storage::Connection* connection_ = nullptr;
  std::int64_t stream_ = 0;
  Window window_;
  std::vector<Row> rows_;
  std::vector<Run> runs_;
  std::size_t at_ = 0;  ///< forwards: next run; backwards: one behind the next
  std::optional<Position> after_, before_;
};

}  // namespace sagelet::logs
