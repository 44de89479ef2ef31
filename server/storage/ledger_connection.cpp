#include "server/storage/ledger_connection.hpp"

#include <cerrno>
#include <mutex>

#include "fmt/format.h"

namespace sagelet::storage {

namespace {

constexpr int kMmapBytes = 1 << 30;

ErrorKind kind_of(sqlite3* db, int code) {
  if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
      code == SQLITE_CONSTRAINT_ROWID)
    return ErrorKind::kAlreadyExists;
  switch (code & 0xff) {
    case SQLITE_FULL:
      return ErrorKind::kNoSpace;
    case SQLITE_CONSTRAINT:
      return ErrorKind::kConflict;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::kCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorKind::kUnavailable;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return ErrorKind::kPermission;
    case SQLITE_TOOBIG:
      return ErrorKind::kInvalid;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_SCHEMA:
      return ErrorKind::kInternal;
    default:
      break;
  }
  const int cause = db == nullptr ? 0 : sqlite3_system_errno(db);
  return cause == ENOSPC || cause == EDQUOT ? ErrorKind::kNoSpace : ErrorKind::kIo;
}

/// Without these counters SQLite takes no process-wide mutex at each allocation.
void configure_once() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

std::string settings(Role role, Durability durability) {
  if (role == Role::kReader)
    return fmt::format("PRAGMA query_only=ON; PRAGMA mmap_size={}; PRAGMA cache_size=-1024", kMmapBytes);
  return fmt::format(
      "PRAGMA synchronous={}; PRAGMA journal_mode=WAL; PRAGMA mmap_size={}; PRAGMA cache_size=-8192;"
      "PRAGMA wal_autocheckpoint=4000; PRAGMA temp_store=MEMORY",
      durability == Durability::kPower ? "FULL" : "OFF", kMmapBytes);
}

}  // namespace

Error sqlite_error(sqlite3* db, int code, std::string_view what) {
  const char* detail = db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db);
  return Error(kind_of(db, code), fmt::format("{}: {} ({})", what, detail, code));
}

ConnectionState::~ConnectionState() {
  for (auto& [sql, all] : statements)
    for (auto& cached : all) sqlite3_finalize(cached->statement);
  sqlite3_close_v2(db);
}

Status ConnectionState::execute(const char* sql) {
  const int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(db, sqlite3_extended_errcode(db), "ledger");
  return {};
}

Result<std::unique_ptr<ConnectionState>> open_connection(const std::filesystem::path& file, Role role,
                                                         Durability durability, const char* vfs) {
  configure_once();
  auto state = std::make_unique<ConnectionState>();
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (role == Role::kWriter ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(file.c_str(), &state->db, flags, vfs);
  if (code != SQLITE_OK) return sqlite_error(state->db, code, file.native());
  sqlite3_extended_result_codes(state->db, 1);
  sqlite3_busy_timeout(state->db, 10'000);
  if (auto done = state->execute(settings(role, durability).c_str()); !done)
    return std::move(done).error().context(file.native());
  return state;
}

// ---- statements ----

Statement::Statement(CachedStatement* cached) : cached_(cached), statement_(cached->statement) {
  cached->in_use = true;
}

Statement::Statement(Statement&& other) noexcept : cached_(other.cached_), statement_(other.statement_) {
  other.cached_ = nullptr;
  other.statement_ = nullptr;
}

Statement::~Statement() {
  if (cached_ == nullptr) return;
  if (statement_ != nullptr) {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  cached_->in_use = false;
}

Statement& Statement::bind(int position, std::int64_t value) {
  sqlite3_bind_int64(statement_, position, value);
  return *this;
}

Statement& Statement::bind(int position, double value) {
  sqlite3_bind_double(statement_, position, value);
  return *this;
}

Statement& Statement::bind(int position, std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(statement_, position, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(int position, std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  sqlite3_bind_blob64(statement_, position, data, bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind_null(int position) {
  sqlite3_bind_null(statement_, position);
  return *this;
}

Result<bool> Statement::step() {
  if (statement_ == nullptr) return Error(ErrorKind::kInternal, cached_->failure);
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_error(cached_->db, code, "ledger");
}

Status Statement::run() {
  TRY(const bool row, step());
  (void)row;
  sqlite3_reset(statement_);
  return {};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

// ---- the connection ----

Statement Connection::prepare(const char* sql) {
  auto& all = state_->statements[sql];
  for (auto& cached : all)
    if (!cached->in_use && cached->statement != nullptr) return Statement(cached.get());
  auto made = std::make_unique<CachedStatement>();
  made->db = state_->db;
  const int code =
      sqlite3_prepare_v3(state_->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &made->statement, nullptr);
  if (code != SQLITE_OK) made->failure = fmt::format("{} in: {}", sqlite3_errmsg(state_->db), sql);
  all.push_back(std::move(made));
  return Statement(all.back().get());
}

std::int64_t Connection::changes() const {
  return sqlite3_changes64(state_->db);
}

std::int64_t Connection::last_row_id() const {
  return sqlite3_last_insert_rowid(state_->db);
}

}  // namespace sagelet::storage
