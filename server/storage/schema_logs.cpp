// CloudWatch log groups, streams and events: docs/formats/logs.md.
#include "server/storage/migrations.hpp"

namespace sagelet::storage {

namespace {

// Events lie in rows of up to 32 KiB: writing 10,000 lines touches a few dozen rows, not 10,000.
constexpr const char* kFirst = R"sql(
CREATE TABLE log_groups(
  id INTEGER PRIMARY KEY,
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
  id INTEGER PRIMARY KEY,
  log_group INTEGER NOT NULL,
  name TEXT NOT NULL,
  created INTEGER NOT NULL,
  first_event INTEGER,
  last_event INTEGER,
  last_ingestion INTEGER,
  batches INTEGER NOT NULL DEFAULT 0,
  rows INTEGER NOT NULL DEFAULT 0,
  stored INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX log_streams_by_name ON log_streams(log_group, name);
CREATE TABLE log_rows(
  stream INTEGER NOT NULL,
  number INTEGER NOT NULL,
  first_time INTEGER NOT NULL,
  last_time INTEGER NOT NULL,
  ingested INTEGER NOT NULL,
  events INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY(stream, number)
);
CREATE INDEX log_rows_by_time ON log_rows(stream, first_time, number, last_time);
)sql";

constexpr const char* kSteps[] = {kFirst};

}  // namespace

RoomSchema logs_schema() {
  return {"logs", kSteps};
}

}  // namespace sagelet::storage
