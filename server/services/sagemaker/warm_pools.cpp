#include "server/services/sagemaker/warm_pools.hpp"

#include <algorithm>

#include "server/services/sagemaker/deadlines.hpp"
#include "server/services/sagemaker/request_parts.hpp"

namespace sagelet::sagemaker {

using resources::Record;
using resources::Scope;
using storage::Connection;

namespace {

Document sorted(Document list) {
  std::sort(list.begin(), list.end());
  return list;
}

Result<std::optional<WarmPool>> pool_of(Connection& connection, std::int64_t record) {
  auto row = connection.prepare("SELECT folder FROM warm_pools WHERE record = ?");
  row.bind(1, record);
  TRY(const bool found, row.step());
  if (!found) return std::optional<WarmPool>();
  return std::optional(WarmPool{.record = record, .folder = std::string(row.text(0))});
}

Status close_pool(Connection& connection, std::int64_t record) {
  TRY(drop_deadline(connection, record, due::kPoolOver));
  return connection.prepare("DELETE FROM warm_pools WHERE record = ?").bind(1, record).run();
}

std::int64_t retained_seconds(const JobState& state, WallTime now) {
  return std::max<std::int64_t>(0, (to_millis(now) - state.ended_ms() + 500) / 1000);
}

}  // namespace

std::string fit_of(const Document& params) {
  const auto& resources = part(params, "ResourceConfig");
  const auto& network = part(params, "VpcConfig");
  const Document fit{text(params, "RoleArn"),
                     number(resources, "InstanceCount"),
                     text(resources, "InstanceType"),
                     number(resources, "VolumeSizeInGB"),
                     text(resources, "VolumeKmsKeyId"),
                     sorted(items(network, "SecurityGroupIds")),
                     sorted(items(network, "Subnets")),
                     params.value("EnableInterContainerTrafficEncryption", false),
                     params.value("EnableNetworkIsolation", false)};
  return fit.dump(-1, ' ', false, Document::error_handler_t::replace);
}

Result<std::optional<WarmPool>> available_pool(Connection& connection, const Scope& scope,
                                               const std::string& fit) {
  auto row = connection.prepare(
      "SELECT record, folder FROM warm_pools WHERE scope = ? AND fit = ? AND available = 1 ORDER BY record "
      "LIMIT "
      "1");
  row.bind(1, scope.text()).bind(2, fit);
  TRY(const bool found, row.step());
  if (!found) return std::optional<WarmPool>();
  return std::optional(WarmPool{.record = row.integer(0), .folder = std::string(row.text(1))});
}

Status open_pool(Connection& connection, const Scope& scope, const std::string& fit, const WarmPool& pool) {
  return connection.prepare("INSERT INTO warm_pools(record, scope, fit, folder) VALUES (?, ?, ?, ?)")
      .bind(1, pool.record)
      .bind(2, scope.text())
      .bind(3, fit)
      .bind(4, pool.folder)
      .run();
}

Result<bool> take_pool(Connection& connection, const WarmPool& pool, const Record& by, WallTime now) {
  TRY(connection
          .prepare("UPDATE warm_pools SET record = ?2, available = 0 WHERE record = ?1 AND available = 1")
          .bind(1, pool.record)
          .bind(2, by.id)
          .run());
  if (connection.changes() == 0) return false;
  TRY(drop_deadline(connection, pool.record, due::kPoolOver));
  TRY(Record former, resources::find_by_id(connection, pool.record));
  JobState state = JobState::from(former);
  state.warm_pool("Reused", retained_seconds(state, now), by.name);
  state.store(former);
  TRY(resources::update(connection, former));
  return true;
}

Result<std::string> settle_pool(Connection& connection, std::int64_t record, JobState& state,
                                std::int64_t keep_alive) {
  TRY(const auto pool, pool_of(connection, record));
  if (!pool) return std::string();
  if (keep_alive == 0 || !state.ran()) {
    if (state.warm_pool_status() == "InUse") state.warm_pool("Terminated", 0);
    TRY(close_pool(connection, record));
    return pool->folder;
  }
  state.warm_pool("Available", 0);
  TRY(connection.prepare("UPDATE warm_pools SET available = 1 WHERE record = ?").bind(1, record).run());
  TRY(set_deadline(connection, record, due::kPoolOver,
                   from_millis(state.ended_ms()) + std::chrono::seconds(keep_alive)));
  return std::string();
}

Result<std::string> end_pool(Connection& connection, Record& record, WallTime now) {
  JobState state = JobState::from(record);
  TRY(const auto pool, pool_of(connection, record.id));
  if (!pool || state.warm_pool_status() != "Available") return std::string();
  state.warm_pool("Terminated", retained_seconds(state, now));
  state.store(record);
  TRY(resources::update(connection, record));
  TRY(close_pool(connection, record.id));
  return pool->folder;
}

Status set_pool_period(Connection& connection, const Record& record, std::int64_t seconds) {
  const JobState state = JobState::from(record);
  return set_deadline(connection, record.id, due::kPoolOver,
                      from_millis(state.ended_ms()) + std::chrono::seconds(seconds));
}

Result<std::vector<std::string>> pool_folders(Connection& connection) {
  std::vector<std::string> folders;
  auto row = connection.prepare("SELECT folder FROM warm_pools");
  while (true) {
    TRY(const bool found, row.step());
    if (!found) return folders;
    folders.emplace_back(row.text(0));
  }
}

}  // namespace sagelet::sagemaker
