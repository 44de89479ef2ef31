// CloudWatch log groups, streams and events: docs/formats/logs.md.
#include "server/storage/migrations.hpp"

namespace sagelet::storage {

namespace {

// A batch of events is one row: writing 10,000 lines touches one row and its index entry.
constexpr const char* kFirst = R"sql(
CREATE TABLE log_groups(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  created INTEGER NOT NULL,
  retention INTEGER NOT NULL DEFAULT 0,
  stored INTEGER NOT NULL DEFAULT 0,
  kms_key TEXT NOT NULL DEFAULT '',
  class TEXT NOT NULL DEFAULT 'STANDARD',
  tags TEXT NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX log_groups_by_name ON log_groups(scope, name);
CREATE TABLE log_streams(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  log_group INTEGER NOT NULL,
  name TEXT NOT NULL,
  created INTEGER NOT NULL,
  first_event INTEGER,
  last_event INTEGER,
  last_ingestion INTEGER,
  batches INTEGER NOT NULL DEFAULT 0,
  events INTEGER NOT NULL DEFAULT 0,
  stored INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX log_streams_by_name ON log_streams(log_group, name);
CREATE TABLE log_batches(
  stream INTEGER NOT NULL,
  number INTEGER NOT NULL,
  first_time INTEGER NOT NULL,
  last_time INTEGER NOT NULL,
  ingested INTEGER NOT NULL,
  events INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY(stream, number)
);
CREATE INDEX log_batches_by_time ON log_batches(stream, first_time, number);
)sql";

constexpr const char* kSteps[] = {kFirst};

}  // namespace

RoomSchema logs_schema() {
  return {"logs", kSteps};
}

}  // namespace sagelet::storage
