#include "server/services/logs/store.hpp"

#include "fmt/format.h"

namespace sagelet::logs {

using storage::Connection;
using storage::Statement;

namespace {

#define SAGELET_GROUP "SELECT id, name, created, retention, stored, kms_key, class, tags FROM log_groups "
#define SAGELET_STREAM                                                                                   \
  "SELECT id, log_group, name, created, first_event, last_event, last_ingestion, batches, rows, stored " \
  "FROM log_streams "

/// Sorts after every text that starts with what is in front of it.
constexpr std::string_view kLastCharacter = "\xf4\x8f\xbf\xbf";
constexpr int kAll = -1;

Group read_group(const Statement& row) {
  return {.id = row.integer(0),
          .name = std::string(row.text(1)),
          .created_ms = row.integer(2),
          .retention_days = row.integer(3),
          .stored_bytes = row.integer(4),
          .kms_key = std::string(row.text(5)),
          .log_class = std::string(row.text(6)),
          .tags = std::string(row.text(7))};
}

std::optional<std::int64_t> maybe(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

Stream read_stream(const Statement& row) {
  return {.id = row.integer(0),
          .group = row.integer(1),
          .name = std::string(row.text(2)),
          .created_ms = row.integer(3),
          .first_event_ms = maybe(row, 4),
          .last_event_ms = maybe(row, 5),
          .last_ingestion_ms = maybe(row, 6),
          .batches = row.integer(7),
          .rows = row.integer(8),
          .stored_bytes = row.integer(9)};
}

void bind_maybe(Statement& statement, int position, const std::optional<std::int64_t>& value) {
  if (value) {
    statement.bind(position, *value);
  } else {
    statement.bind_null(position);
  }
}

Result<std::vector<Stream>> read_streams(Statement statement, std::string_view prefix) {
  std::vector<Stream> found;
  while (true) {
    TRY(const bool more, statement.step());
    if (!more || !statement.text(2).starts_with(prefix)) return found;
    found.push_back(read_stream(statement));
  }
}

}  // namespace

Result<Group> find_group(Connection& connection, std::string_view scope, std::string_view name) {
  auto row = connection.prepare(SAGELET_GROUP "WHERE scope = ? AND name = ?");
  row.bind(1, scope).bind(2, name);
  TRY(const bool found, row.step());
  if (!found) return Error(ErrorKind::kNotFound, fmt::format("no log group {}", name));
  return read_group(row);
}

Status insert_group(Connection& connection, std::string_view scope, const Group& group) {
  auto row = connection.prepare(
      "INSERT INTO log_groups(scope, name, created, kms_key, class, tags) VALUES (?, ?, ?, ?, ?, ?)");
  row.bind(1, scope).bind(2, group.name).bind(3, group.created_ms);
  return row.bind(4, group.kms_key).bind(5, group.log_class).bind(6, group.tags).run();
}

Status update_group(Connection& connection, const Group& group) {
  auto row = connection.prepare("UPDATE log_groups SET retention = ?2, tags = ?3, stored = ?4 WHERE id = ?1");
  return row.bind(1, group.id)
      .bind(2, group.retention_days)
      .bind(3, group.tags)
      .bind(4, group.stored_bytes)
      .run();
}

Status erase_group(Connection& connection, std::int64_t group) {
  TRY(connection
          .prepare("DELETE FROM log_rows WHERE stream IN (SELECT id FROM log_streams WHERE log_group = ?)")
          .bind(1, group)
          .run());
  TRY(connection.prepare("DELETE FROM log_streams WHERE log_group = ?").bind(1, group).run());
  return connection.prepare("DELETE FROM log_groups WHERE id = ?").bind(1, group).run();
}

Result<std::vector<Group>> groups(Connection& connection, std::string_view scope, std::string_view prefix,
                                  std::string_view after, int limit) {
  auto row =
      connection.prepare(SAGELET_GROUP "WHERE scope = ? AND name >= ? AND name > ? ORDER BY name LIMIT ?");
  row.bind(1, scope).bind(2, prefix).bind(3, after).bind(4, limit);
  std::vector<Group> found;
  while (true) {
    TRY(const bool more, row.step());
    if (!more || !row.text(1).starts_with(prefix)) return found;
    found.push_back(read_group(row));
  }
}

Result<Stream> find_stream(Connection& connection, std::int64_t group, std::string_view name) {
  auto row = connection.prepare(SAGELET_STREAM "WHERE log_group = ? AND name = ?");
  row.bind(1, group).bind(2, name);
  TRY(const bool found, row.step());
  if (!found) return Error(ErrorKind::kNotFound, fmt::format("no log stream {}", name));
  return read_stream(row);
}

Status insert_stream(Connection& connection, const Stream& stream) {
  auto row = connection.prepare("INSERT INTO log_streams(log_group, name, created) VALUES (?, ?, ?)");
  return row.bind(1, stream.group).bind(2, stream.name).bind(3, stream.created_ms).run();
}

Status update_stream(Connection& connection, const Stream& stream) {
  auto row = connection.prepare(
      "UPDATE log_streams SET first_event = ?2, last_event = ?3, last_ingestion = ?4, batches = ?5, rows = "
      "?6, "
      "stored = ?7 WHERE id = ?1");
  row.bind(1, stream.id);
  bind_maybe(row, 2, stream.first_event_ms);
  bind_maybe(row, 3, stream.last_event_ms);
  bind_maybe(row, 4, stream.last_ingestion_ms);
  return row.bind(5, stream.batches).bind(6, stream.rows).bind(7, stream.stored_bytes).run();
}

Status erase_stream(Connection& connection, const Stream& stream) {
  TRY(connection.prepare("UPDATE log_groups SET stored = stored - ?2 WHERE id = ?1")
          .bind(1, stream.group)
          .bind(2, stream.stored_bytes)
          .run());
  TRY(connection.prepare("DELETE FROM log_rows WHERE stream = ?").bind(1, stream.id).run());
  return connection.prepare("DELETE FROM log_streams WHERE id = ?").bind(1, stream.id).run();
}

Result<std::vector<Stream>> streams_by_name(Connection& connection, std::int64_t group,
                                            std::string_view prefix, bool descending, std::string_view after,
                                            int limit) {
  if (!descending) {
    auto row = connection.prepare(SAGELET_STREAM
                                  "WHERE log_group = ? AND name >= ? AND name > ? ORDER BY name LIMIT ?");
    row.bind(1, group).bind(2, prefix).bind(3, after).bind(4, limit);
    return read_streams(std::move(row), prefix);
  }
  const std::string end = after.empty() ? std::string(prefix).append(kLastCharacter) : std::string(after);
  auto row = connection.prepare(SAGELET_STREAM "WHERE log_group = ? AND name < ? ORDER BY name DESC LIMIT ?");
  row.bind(1, group).bind(2, end).bind(3, limit);
  return read_streams(std::move(row), prefix);
}

Result<std::vector<Stream>> streams_by_last_event(Connection& connection, std::int64_t group) {
  auto row = connection.prepare(SAGELET_STREAM
                                "WHERE log_group = ? ORDER BY coalesce(last_event, -1), name LIMIT ?");
  row.bind(1, group).bind(2, kAll);
  return read_streams(std::move(row), "");
}

}  // namespace sagelet::logs
