#pragma once
// Every record, in one SQLite database: one writer that groups waiting commits, many readers.
//
// Durability (docs/formats/ledger.md): kPower syncs before a ticket completes; kProcess survives kill -9 but
// not power loss; kNone promises nothing. Writers that wait at the same time share one commit in each of
// them.
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/ticket.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace sagelet::storage {

enum class Durability { kPower, kProcess, kNone };

/// A prepared statement of one connection (ledger_connection.hpp).
struct CachedStatement;

/// One prepared statement in use. Bind by position from 1, step, read columns from 0. Views from
/// text()/blob() live until the next step.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  ~Statement();  ///< resets and gives the statement back to its connection's cache

  Statement& bind(int position, std::int64_t value);
  template <std::integral T>
  Statement& bind(int position, T value) {
    return bind(position, static_cast<std::int64_t>(value));
  }
  Statement& bind(int position, double value);
  Statement& bind(int position, std::string_view text);
  Statement& bind_blob(int position, std::string_view bytes);
  Statement& bind_null(int position);

  Result<bool> step();  ///< true: a row is there
  Status run();         ///< for statements without rows; a broken UNIQUE or PRIMARY KEY is kAlreadyExists

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;
  std::string_view blob(int column) const;
  bool is_null(int column) const;

 private:
  friend class Connection;
  explicit Statement(CachedStatement* cached);
  CachedStatement* cached_;
  sqlite3_stmt* statement_;  ///< null when it could not be prepared: step() says why
};

struct ConnectionState;

/// A connection lent for a read or a transaction. `sql` must be a literal: statements are cached by its
/// address.
class Connection {
 public:
  explicit Connection(ConnectionState* state) : state_(state) {}
  Statement prepare(const char* sql);
  std::int64_t changes() const;  ///< rows touched by the last statement
  std::int64_t last_row_id() const;

 private:
  ConnectionState* state_;
};

/// One atomic change: runs inside the writer's transaction, may read what it decides on. An error undoes this
/// change alone (not the others of the group) and is what its ticket completes with. Must not block.
using Change = std::function<Status(Connection&)>;

/// Thread-safe. Owns the writer thread and the database; the destructor finishes queued changes.
class Ledger {
 public:
  /// `vfs` names SQLite's system layer; tests give one that fails on command.
  static Result<std::unique_ptr<Ledger>> open(const std::filesystem::path& file, Durability durability,
                                              const char* vfs = nullptr);
  ~Ledger();

  /// Queues a change; the ticket completes when it is as durable as the mode promises.
  Ticket commit(Change change);
  /// The same, waited for. Never on an I/O thread.
  Status commit_and_wait(Change change);
  /// Runs `read` on a reader's snapshot, on this thread. Sees every commit whose ticket completed before.
  /// Not from within another read or a change.
  Status read(const std::function<Status(Connection&)>& read);

  Durability durability() const;
  /// Drops all rows of all tables (POST /_sagelet/reset) in milliseconds, whatever their number. Waits for
  /// reads and changes in progress; changes still queued run on the empty tables.
  Status clear();

 private:
  struct State;
  explicit Ledger(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sagelet::storage
