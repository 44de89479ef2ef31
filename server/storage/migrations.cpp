#include "server/storage/migrations.hpp"

#include <array>
#include <string>

#include "fmt/format.h"
#include "server/storage/ledger_connection.hpp"

namespace sagelet::storage {

namespace {

Status execute(sqlite3* db, const char* sql, std::string_view room) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return sqlite_error(db, sqlite3_extended_errcode(db), fmt::format("schema of {}", room));
  return {};
}

/// The room's version in this database: 0 when the room, or the table of versions, is not there yet.
Result<int> version_of(sqlite3* db, std::string_view room) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db, "SELECT version FROM schema_version WHERE room = ?", -1, &statement, nullptr) !=
      SQLITE_OK)
    return sqlite_error(db, sqlite3_extended_errcode(db), "schema_version");
  sqlite3_bind_text(statement, 1, room.data(), static_cast<int>(room.size()), SQLITE_STATIC);
  const int code = sqlite3_step(statement);
  const int version = code == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 0;
  sqlite3_finalize(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) return sqlite_error(db, code, "schema_version");
  return version;
}

Status set_version(sqlite3* db, std::string_view room, std::size_t version) {
  const auto sql = fmt::format("INSERT OR REPLACE INTO schema_version VALUES ('{}', {})", room, version);
  return execute(db, sql.c_str(), room);
}

Status run_missing_steps(sqlite3* db, const RoomSchema& schema) {
  TRY(const int version, version_of(db, schema.room));
  const auto known = schema.steps.size();
  if (version < 0 || static_cast<std::size_t>(version) > known)
    return Error(
        ErrorKind::kInvalid,
        fmt::format(
            "this data folder was written by a newer sagelet ({} is at version {}, this program knows "
            "{}): run the newer program, or give another folder with --data",
            schema.room, version, known));
  if (static_cast<std::size_t>(version) == known) return {};
  for (const char* step : schema.steps.subspan(static_cast<std::size_t>(version)))
    TRY(execute(db, step, schema.room));
  return set_version(db, schema.room, known);
}

Status run_all(sqlite3* db) {
  for (const auto& schema : all_schemas()) TRY(run_missing_steps(db, schema));
  return {};
}

}  // namespace

std::span<const RoomSchema> all_schemas() {
  static const std::array<RoomSchema, 8> all = {
      cloudwatch_schema(), objects_schema(),     records_schema(), logs_schema(),
      jobs_schema(),       credentials_schema(), images_schema(),  notifications_schema()};
  return all;
}

Status migrate(sqlite3* db) {
  TRY(execute(db, "BEGIN IMMEDIATE", "all rooms"));
  auto done = execute(
      db, "CREATE TABLE IF NOT EXISTS schema_version(room TEXT PRIMARY KEY, version INTEGER NOT NULL)",
      "all rooms");
  if (done) done = run_all(db);
  if (done) done = execute(db, "COMMIT", "all rooms");
  if (!done) (void)sqlite3_exec(db, "ROLLBACK", nullptr, nullptr, nullptr);
  return done;
}

}  // namespace sagelet::storage
