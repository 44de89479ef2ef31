#include "server/services/cloudwatch/store.hpp"

#include <algorithm>

namespace sagelet::cloudwatch {

using storage::Connection;

namespace {

Result<std::int64_t> metric_id(Connection& connection, const Metric& metric) {
  auto row = connection.prepare(
      "SELECT id FROM metrics WHERE scope = ? AND namespace = ? AND name = ? AND dimensions = ?");
  row.bind(1, metric.scope).bind(2, metric.space).bind(3, metric.name).bind(4, metric.dimensions);
  TRY(const bool found, row.step());
  return found ? row.integer(0) : std::int64_t{0};
}

Result<std::int64_t> make_metric(Connection& connection, const Metric& metric, std::int64_t latest) {
  TRY(const std::int64_t id, metric_id(connection, metric));
  if (id != 0) {
    auto update = connection.prepare("UPDATE metrics SET latest = max(latest, ?2) WHERE id = ?1");
    TRY(update.bind(1, id).bind(2, latest).run());
    return id;
  }
  auto row = connection.prepare(
      "INSERT INTO metrics(scope, namespace, name, dimensions, latest) VALUES (?, ?, ?, ?, ?)");
  row.bind(1, metric.scope)
      .bind(2, metric.space)
      .bind(3, metric.name)
      .bind(4, metric.dimensions)
      .bind(5, latest);
  TRY(row.run());
  return connection.last_row_id();
}

}  // namespace

std::string canonical_dimensions(const Document& dimensions) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& one : dimensions)
    pairs.emplace_back(one.value("Name", std::string()), one.value("Value", std::string()));
  std::sort(pairs.begin(), pairs.end());
  return Document(pairs).dump(-1, ' ', false, Document::error_handler_t::replace);
}

Status add_values(Connection& connection, const Metric& metric, const std::vector<Sample>& samples) {
  std::int64_t latest = 0;
  for (const Sample& sample : samples) latest = std::max(latest, sample.time_ms);
  TRY(const std::int64_t id, make_metric(connection, metric, latest));
  for (const Sample& sample : samples) {
    auto row = connection.prepare("INSERT INTO metric_values VALUES (?, ?, ?, ?, ?, ?, ?)");
    row.bind(1, id).bind(2, sample.time_ms).bind(3, sample.samples).bind(4, sample.sum);
    row.bind(5, sample.minimum).bind(6, sample.maximum).bind(7, sample.unit);
    TRY(row.run());
  }
  return {};
}

Status forget_before(Connection& connection, std::int64_t time_ms) {
  TRY(connection.prepare("DELETE FROM metric_values WHERE time < ?").bind(1, time_ms).run());
  if (connection.changes() == 0) return {};
  return connection.prepare("DELETE FROM metrics WHERE latest < ?").bind(1, time_ms).run();
}

Result<std::vector<Sample>> values_of(Connection& connection, const Metric& metric, std::int64_t from_ms,
                                      std::int64_t to_ms) {
  std::vector<Sample> samples;
  TRY(const std::int64_t id, metric_id(connection, metric));
  auto row = connection.prepare(
      "SELECT time, samples, sum, minimum, maximum, unit FROM metric_values WHERE metric = ? AND time >= ? "
      "AND "
      "time < ? ORDER BY time");
  row.bind(1, id).bind(2, from_ms).bind(3, to_ms);
  while (true) {
    TRY(const bool found, row.step());
    if (!found) return samples;
    samples.push_back({.time_ms = row.integer(0),
                       .samples = row.real(1),
                       .sum = row.real(2),
                       .minimum = row.real(3),
                       .maximum = row.real(4),
                       .unit = std::string(row.text(5))});
  }
}

Status each_metric(Connection& connection, const Metric& like, std::int64_t after,
                   const std::function<bool(std::int64_t, const Metric&, std::int64_t)>& visit) {
  auto row = connection.prepare(
      "SELECT id, namespace, name, dimensions, latest FROM metrics WHERE scope = ?1 AND id > ?2 AND (?3 = '' "
      "OR "
      "namespace = ?3) AND (?4 = '' OR name = ?4) ORDER BY id");
  row.bind(1, like.scope).bind(2, after).bind(3, like.space).bind(4, like.name);
  while (true) {
    TRY(const bool found, row.step());
    if (!found) return {};
    const Metric metric{like.scope, std::string(row.text(1)), std::string(row.text(2)),
                        std::string(row.text(3))};
    if (!visit(row.integer(0), metric, row.integer(4))) return {};
  }
}

}  // namespace sagelet::cloudwatch
