// Resources of every service (training jobs, roles, ...): docs/formats/records.md.
#include "server/storage/migrations.hpp"

namespace sagelet::storage {

namespace {

// A list reads `resources` alone, so its rows are small; what Describe needs on top lies in
// `resource_bodies`.
constexpr const char* kFirst = R"sql(
CREATE TABLE resources(
  id INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  handle TEXT,
  summary TEXT NOT NULL
);
CREATE UNIQUE INDEX resources_by_name ON resources(scope, name);
CREATE INDEX resources_by_created ON resources(scope, created);
CREATE INDEX resources_by_status ON resources(scope, status, created);
CREATE UNIQUE INDEX resources_by_handle ON resources(handle) WHERE handle IS NOT NULL;
CREATE INDEX resources_stopping ON resources(handle) WHERE status = 'Stopping';
CREATE TABLE resource_bodies(
  id INTEGER PRIMARY KEY,
  fixed TEXT NOT NULL,
  changing TEXT NOT NULL,
  hidden TEXT NOT NULL,
  tags TEXT NOT NULL
);
)sql";

// What is due for a record without anybody asking (`kind` is the service's word), and the warm pools: who
// holds each, what a job must have to fit (`fit`), the folder its jobs share.
constexpr const char* kDeadlinesAndPools = R"sql(
CREATE TABLE deadlines(
  record INTEGER NOT NULL,
  kind TEXT NOT NULL,
  due INTEGER NOT NULL,
  PRIMARY KEY(record, kind)
) WITHOUT ROWID;
CREATE INDEX deadlines_by_due ON deadlines(due);
CREATE TABLE warm_pools(
  record INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,
  fit TEXT NOT NULL,
  folder TEXT NOT NULL,
  available INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX warm_pools_by_fit ON warm_pools(scope, fit) WHERE available = 1;
)sql";

constexpr const char* kSteps[] = {kFirst, kDeadlinesAndPools};

}  // namespace

RoomSchema records_schema() {
  return {"records", kSteps};
}

}  // namespace sagelet::storage
