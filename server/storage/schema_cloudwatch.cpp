// CloudWatch metrics and their values: docs/formats/metrics.md.
#include "server/storage/migrations.hpp"

namespace sagelet::storage {

namespace {

constexpr const char* kFirst = R"sql(
CREATE TABLE metrics(
  id INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  dimensions TEXT NOT NULL,
  latest INTEGER NOT NULL
);
CREATE UNIQUE INDEX metrics_by_name ON metrics(scope, namespace, name, dimensions);
CREATE TABLE metric_values(
  metric INTEGER NOT NULL,
  time INTEGER NOT NULL,
  samples REAL NOT NULL,
  sum REAL NOT NULL,
  minimum REAL NOT NULL,
  maximum REAL NOT NULL,
  unit TEXT NOT NULL
);
CREATE INDEX metric_values_by_metric ON metric_values(metric, time);
CREATE INDEX metric_values_by_time ON metric_values(time);
)sql";

constexpr const char* kSteps[] = {kFirst};

}  // namespace

RoomSchema cloudwatch_schema() {
  return {"cloudwatch", kSteps};
}

}  // namespace sagelet::storage
