#include "server/services/logs/rows.hpp"

#include <algorithm>
#include <cstring>

namespace sagelet::logs {

using storage::Connection;

namespace {

constexpr std::size_t kRowBytes = 32 * 1024;
constexpr std::size_t kHeaderBytes =
    16;  ///< time (8), ingestion after the row's (4), length (4); little-endian

template <class T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}

template <class T>
T get(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return static_cast<T>(value);
}

void pack(std::string& body, const Event& event, std::int64_t row_ingested_ms) {
  put<std::int64_t>(body, event.time_ms);
  put<std::uint32_t>(body, static_cast<std::uint32_t>(
                               std::clamp<std::int64_t>(event.ingested_ms - row_ingested_ms, 0, UINT32_MAX)));
  put<std::uint32_t>(body, static_cast<std::uint32_t>(event.message.size()));
  body += event.message;
}

Status unpack(std::string_view body, std::int64_t row, std::int64_t row_ingested_ms,
              std::vector<PlacedEvent>& out) {
  std::int64_t index = 0;
  while (!body.empty()) {
    if (body.size() < kHeaderBytes) return Error(ErrorKind::kCorrupt, "a row of log events is cut off");
    const auto length = get<std::uint32_t>(body, 12);
    if (body.size() - kHeaderBytes < length)
      return Error(ErrorKind::kCorrupt, "a row of log events is cut off");
    const auto time = get<std::int64_t>(body, 0);
    out.push_back({.at = {.time_ms = time, .row = row, .index = index++},
                   .event = {.time_ms = time,
                             .ingested_ms = row_ingested_ms + get<std::uint32_t>(body, 8),
                             .message = std::string(body.substr(kHeaderBytes, length))}});
    body.remove_prefix(kHeaderBytes + length);
  }
  return {};
}

/// The stream's newest row while it is being filled.
struct OpenRow {
  std::int64_t number = 0;
  std::int64_t first_ms = 0, last_ms = 0, ingested_ms = 0, events = 0;
  std::string body;
  bool stored = false;  ///< replaces a row, else is a new one
};

Result<OpenRow> newest_row(Connection& connection, const Stream& stream) {
  OpenRow row{.number = stream.rows};
  if (stream.rows == 0) return row;
  auto select = connection.prepare(
      "SELECT first_time, last_time, ingested, events, body FROM log_rows WHERE stream = ? AND number = ?");
  select.bind(1, stream.id).bind(2, stream.rows);
  TRY(const bool found, select.step());
  if (!found) return row;
  row.first_ms = select.integer(0);
  row.last_ms = select.integer(1);
  row.ingested_ms = select.integer(2);
  row.events = select.integer(3);
  row.body = select.blob(4);
  row.stored = true;
  return row;
}

Status write(Connection& connection, std::int64_t stream, const OpenRow& row) {
  auto statement = connection.prepare("INSERT OR REPLACE INTO log_rows VALUES (?, ?, ?, ?, ?, ?, ?)");
  statement.bind(1, stream).bind(2, row.number).bind(3, row.first_ms).bind(4, row.last_ms);
  return statement.bind(5, row.ingested_ms).bind(6, row.events).bind_blob(7, row.body).run();
}

bool has_room(const OpenRow& row, const Event& event) {
  return row.events > 0 && row.body.size() + event.message.size() <= kRowBytes &&
         row.last_ms <= event.time_ms;
}

void add(OpenRow& row, const Event& event) {
  if (row.events == 0) {
    row.first_ms = event.time_ms;
    row.ingested_ms = event.ingested_ms;
  }
  row.last_ms = event.time_ms;
  ++row.events;
  pack(row.body, event, row.ingested_ms);
}

Status append_events(Connection& connection, Stream& stream, std::span<const Event> events) {
  TRY(OpenRow row, newest_row(connection, stream));
  bool changed = false;
  for (const Event& event : events) {
    if (!has_room(row, event)) {
      if (changed) TRY(write(connection, stream.id, row));
      row = OpenRow{.number = row.number + 1};
    }
    add(row, event);
    changed = true;
    stream.stored_bytes += billed_bytes(event.message);
  }
  stream.rows = row.number;
  stream.first_event_ms = std::min(stream.first_event_ms.value_or(INT64_MAX), events.front().time_ms);
  stream.last_event_ms = std::max(stream.last_event_ms.value_or(INT64_MIN), events.back().time_ms);
  return write(connection, stream.id, row);
}

}  // namespace

Status append(Connection& connection, Stream& stream, std::span<const Event> events, std::int64_t now_ms) {
  const auto before = stream.stored_bytes;
  ++stream.batches;
  stream.last_ingestion_ms = now_ms;
  if (!events.empty()) TRY(append_events(connection, stream, events));
  TRY(connection.prepare("UPDATE log_groups SET stored = stored + ?2 WHERE id = ?1")
          .bind(1, stream.group)
          .bind(2, stream.stored_bytes - before)
          .run());
  return update_stream(connection, stream);
}

Result<Reader> Reader::open(Connection& connection, std::int64_t stream, Window window) {
  Reader reader;
  reader.connection_ = &connection;
  reader.stream_ = stream;
  reader.window_ = window;
  auto row = connection.prepare(
      "SELECT number, first_time, last_time FROM log_rows INDEXED BY log_rows_by_time WHERE stream = ? AND "
      "first_time < ? AND last_time >= ? ORDER BY first_time, number");
  row.bind(1, stream).bind(2, window.until_ms).bind(3, window.from_ms);
  while (true) {
    TRY(const bool found, row.step());
    if (!found) return reader;
    const Row next{row.integer(0), row.integer(1), row.integer(2)};
    const bool joins =
        !reader.runs_.empty() &&
        (next.first_ms < reader.runs_.back().last_ms ||
         (next.first_ms == reader.runs_.back().last_ms && next.number < reader.rows_.back().number));
    reader.rows_.push_back(next);
    if (!joins) reader.runs_.push_back({reader.rows_.size() - 1, 0, next.first_ms, next.last_ms});
    auto& run = reader.runs_.back();
    run.end = reader.rows_.size();
    run.last_ms = std::max(run.last_ms, next.last_ms);
  }
}

void Reader::start_after(const Position& position) {
  after_ = position;
  at_ = 0;
  while (at_ < runs_.size() && runs_[at_].last_ms < position.time_ms) ++at_;
}

void Reader::start_before(const Position& position) {
  before_ = position;
  at_ = runs_.size();
  while (at_ > 0 && runs_[at_ - 1].first_ms > position.time_ms) --at_;
}

bool Reader::wanted(const PlacedEvent& placed) const {
  if (placed.at.time_ms < window_.from_ms || placed.at.time_ms >= window_.until_ms) return false;
  return !(after_ && placed.at <= *after_) && !(before_ && placed.at >= *before_);
}

Result<std::vector<PlacedEvent>> Reader::load(const Run& run) {
  std::vector<PlacedEvent> events;
  for (std::size_t i = run.begin; i < run.end; ++i) {
    auto row = connection_->prepare("SELECT ingested, body FROM log_rows WHERE stream = ? AND number = ?");
    row.bind(1, stream_).bind(2, rows_[i].number);
    TRY(const bool found, row.step());
    if (found) TRY(unpack(row.blob(1), rows_[i].number, row.integer(0), events));
  }
  if (run.end - run.begin > 1)
    std::sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  std::erase_if(events, [this](const PlacedEvent& placed) { return !wanted(placed); });
  return events;
}

Result<std::vector<PlacedEvent>> Reader::next() {
  while (at_ < runs_.size()) {
    TRY(auto events, load(runs_[at_++]));
    if (!events.empty()) return events;
  }
  return std::vector<PlacedEvent>();
}

Result<std::vector<PlacedEvent>> Reader::previous() {
  while (at_ > 0) {
    TRY(auto events, load(runs_[--at_]));
    if (!events.empty()) return events;
  }
  return std::vector<PlacedEvent>();
}

}  // namespace sagelet::logs
