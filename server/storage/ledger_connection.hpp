#pragma once
// One SQLite connection with its prepared statements. Used by one thread at a time; inside storage/ only.
#include <memory>
#include <unordered_map>
#include <vector>

#include "server/storage/ledger.hpp"
#include "sqlite3.h"

namespace sagelet::storage {

struct CachedStatement {
  sqlite3* db = nullptr;
  sqlite3_stmt* statement = nullptr;
  std::string failure;  ///< why it could not be prepared
  bool in_use = false;
};

struct ConnectionState {
  sqlite3* db = nullptr;
  /// By the literal's address. More than one when a statement is stepped while another of the same text runs.
  std::unordered_map<const char*, std::vector<std::unique_ptr<CachedStatement>>> statements;

  ConnectionState() = default;
  ConnectionState(const ConnectionState&) = delete;
  ~ConnectionState();

  /// Runs SQL without rows, uncached.
  Status execute(const char* sql);
  /// Runs a cached statement without rows.
  Status run(const char* sql) { return Connection(this).prepare(sql).run(); }
};

/// The writer's settings, or a reader's (which may not write).
enum class Role { kWriter, kReader };
Result<std::unique_ptr<ConnectionState>> open_connection(const std::filesystem::path& file, Role role,
                                                         Durability durability, const char* vfs);

/// SQLite's result code with our kinds: full disks are kNoSpace, broken UNIQUEs kAlreadyExists.
Error sqlite_error(sqlite3* db, int code, std::string_view what);

}  // namespace sagelet::storage
