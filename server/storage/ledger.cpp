#include "server/storage/ledger.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <system_error>
#include <thread>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "server/storage/ledger_connection.hpp"
#include "server/storage/migrations.hpp"

namespace sagelet::storage {

namespace {

/// Changes that share one transaction at most: bounds how long the first of them waits.
constexpr std::size_t kGroup = 512;

struct Queued {
  Change change;
  Ticket ticket;
};

/// A bug in a change must not take the writer with it.
Status run_guarded(const Change& change, ConnectionState& db) {
  Connection connection(&db);
  try {
    return change(connection);
  } catch (const std::exception& bug) {
    log::error("a change threw: {}", bug.what());
    return Error(ErrorKind::kInternal, bug.what());
  }
}

bool in_transaction(const ConnectionState& db) {
  return sqlite3_get_autocommit(db.db) == 0;
}

void roll_back(ConnectionState& db) {
  if (!in_transaction(db)) return;  // SQLite rolls back by itself when the disk is full
  if (auto done = db.run("ROLLBACK"); !done) log::error("rollback: {}", done.error().message());
}

Status commit(ConnectionState& db) {
  crash_point("ledger.before_commit");
  auto done = db.run("COMMIT");
  if (!done) roll_back(db);
  crash_point("ledger.after_commit");
  return done;
}

/// One change in a transaction of its own.
Status run_alone(const Change& change, ConnectionState& db) {
  TRY(db.run("BEGIN IMMEDIATE"));
  auto done = run_guarded(change, db);
  if (done && in_transaction(db)) return commit(db);
  roll_back(db);
  if (done) return Error(ErrorKind::kNoSpace, "ledger: the transaction was rolled back");
  return done;
}

/// One change among others: undone alone when it fails. False when the whole transaction is gone.
bool run_in_group(const Change& change, ConnectionState& db, Status& result) {
  result = db.run("SAVEPOINT change");
  if (!result) return false;
  result = run_guarded(change, db);
  if (!in_transaction(db)) return false;
  if (!result) (void)db.run("ROLLBACK TO change");
  return db.run("RELEASE change").has_value();
}

/// Every change of the group in one transaction; results by position. When the transaction is lost (disk
/// full), so are all of them: none was acknowledged.
std::vector<Status> run_group(const std::vector<Queued>& group, ConnectionState& db) {
  std::vector<Status> results(group.size());
  auto all = db.run("BEGIN IMMEDIATE");
  bool alive = all.has_value();
  for (std::size_t i = 0; alive && i < group.size(); ++i) {
    alive = run_in_group(group[i].change, db, results[i]);
    if (!alive)
      all = results[i] ? Status(Error(ErrorKind::kNoSpace, "ledger: lost transaction")) : results[i];
  }
  if (alive) {
    all = commit(db);
  } else {
    roll_back(db);
  }
  if (!all)
    for (auto& result : results)
      if (result) result = all;
  return results;
}

std::filesystem::path discarded(const std::filesystem::path& file) {
  return file.native() + ".old";
}

void remove_quietly(const std::filesystem::path& file) {
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
}

/// In this order: docs/formats/ledger.md. They are only renamed: removing large ones takes its time.
Status discard_files(const std::filesystem::path& file) {
  std::error_code failure;
  std::filesystem::rename(file, discarded(file), failure);
  if (failure && failure != std::errc::no_such_file_or_directory)
    return Error::from_errno(file.native(), failure.value());
  std::filesystem::rename(file.native() + "-wal", discarded(file).native() + "-wal", failure);
  remove_quietly(file.native() + "-shm");
  return {};
}

}  // namespace

/// `gate` is held shared by whoever uses a connection, alone by clear(). `turn` lets clear() come in between
/// readers that never leave the gate empty.
struct Ledger::State {
  std::filesystem::path file;
  Durability durability = Durability::kPower;
  std::string vfs;

  std::shared_mutex gate;
  std::atomic<bool> clearing{false};
  std::mutex turn;

  std::mutex writing;  ///< the writer connection
  std::unique_ptr<ConnectionState> writer;

  std::mutex pool;
  std::vector<std::unique_ptr<ConnectionState>> idle_readers;

  std::mutex queue_mutex;
  std::condition_variable queue_filled;
  std::deque<Queued> queue;
  bool stopping = false;
  std::thread thread;
  std::thread remover;  ///< takes the database that clear() discarded off the disk

  const char* vfs_name() const { return vfs.empty() ? nullptr : vfs.c_str(); }

  std::shared_lock<std::shared_mutex> enter() {
    if (clearing.load(std::memory_order_relaxed)) {
      const std::lock_guard wait_for_clear(turn);
    }
    return std::shared_lock(gate);
  }

  Status open_writer() {
    TRY(writer, open_connection(file, Role::kWriter, durability, vfs_name()));
    return migrate(writer->db);
  }

  Result<std::unique_ptr<ConnectionState>> take_reader() {
    {
      const std::lock_guard lock(pool);
      if (!idle_readers.empty()) {
        auto reader = std::move(idle_readers.back());
        idle_readers.pop_back();
        return reader;
      }
    }
    return open_connection(file, Role::kReader, durability, vfs_name());
  }

  void give_back(std::unique_ptr<ConnectionState> reader) {
    const std::lock_guard lock(pool);
    idle_readers.push_back(std::move(reader));
  }

  std::vector<Queued> next_group() {
    std::unique_lock lock(queue_mutex);
    queue_filled.wait(lock, [this] { return stopping || !queue.empty(); });
    std::vector<Queued> group;
    while (!queue.empty() && group.size() < kGroup) {
      group.push_back(std::move(queue.front()));
      queue.pop_front();
    }
    return group;
  }

  std::vector<Status> commit_group(const std::vector<Queued>& group) {
    const auto in = enter();
    const std::lock_guard lock(writing);
    if (writer == nullptr)
      return std::vector<Status>(group.size(), Error(ErrorKind::kUnavailable, "the ledger is closed"));
    if (group.size() == 1) return {run_alone(group.front().change, *writer)};
    return run_group(group, *writer);
  }

  void write_until_stopped() {
    for (auto group = next_group(); !group.empty(); group = next_group()) {
      auto results = commit_group(group);
      for (std::size_t i = 0; i < group.size(); ++i) group[i].ticket.complete(std::move(results[i]));
    }
  }

  void stop_thread() {
    {
      const std::lock_guard lock(queue_mutex);
      stopping = true;
    }
    queue_filled.notify_one();
    if (thread.joinable()) thread.join();
  }

  void remove_discarded() {
    if (remover.joinable()) remover.join();
    remover = std::thread([old = discarded(file)] {
      remove_quietly(old.native() + "-wal");
      remove_quietly(old);
    });
  }

  /// Alone at the gate. Nobody wants the pages of the old database any more, so its WAL is not written back.
  Status start_anew() {
    idle_readers.clear();
    if (writer != nullptr) sqlite3_db_config(writer->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    writer.reset();
    if (remover.joinable()) remover.join();
    TRY(discard_files(file));
    auto opened = open_writer();
    remove_discarded();
    if (!opened) {  // the disk may be full of what is being discarded
      remover.join();
      opened = open_writer();
    }
    if (!opened) writer.reset();
    return opened;
  }
};

Ledger::Ledger(std::unique_ptr<State> state) : state_(std::move(state)) {}

Ledger::~Ledger() {
  state_->stop_thread();
  if (state_->remover.joinable()) state_->remover.join();
}

Result<std::unique_ptr<Ledger>> Ledger::open(const std::filesystem::path& file, Durability durability,
                                             const char* vfs) {
  auto state = std::make_unique<State>();
  state->file = file;
  state->durability = durability;
  state->vfs = vfs == nullptr ? "" : vfs;
  if (auto opened = state->open_writer(); !opened)
    return std::move(opened).error().context("opening " + file.native());
  std::error_code ignored;
  if (std::filesystem::exists(discarded(file), ignored)) state->remove_discarded();
  auto* raw = state.get();
  raw->thread = std::thread([raw] { raw->write_until_stopped(); });
  return std::unique_ptr<Ledger>(new Ledger(std::move(state)));
}

Ticket Ledger::commit(Change change) {
  Ticket ticket;
  {
    const std::lock_guard lock(state_->queue_mutex);
    state_->queue.push_back({std::move(change), ticket});
  }
  state_->queue_filled.notify_one();
  return ticket;
}

Status Ledger::commit_and_wait(Change change) {
  return commit(std::move(change)).wait();
}

Status Ledger::read(const std::function<Status(Connection&)>& read) {
  const auto in = state_->enter();
  TRY(auto reader, state_->take_reader());
  Status done = reader->run("BEGIN");
  if (done) {
    Connection connection(reader.get());
    done = read(connection);
    if (auto ended = reader->run("COMMIT"); !ended) return ended;  // the reader goes with its broken state
  }
  state_->give_back(std::move(reader));
  return done;
}

Durability Ledger::durability() const {
  return state_->durability;
}

Status Ledger::clear() {
  const std::lock_guard turn(state_->turn);
  state_->clearing = true;
  const std::unique_lock alone(state_->gate);
  state_->clearing = false;
  const std::scoped_lock locks(state_->writing, state_->pool);
  return state_->start_anew();
}

}  // namespace sagelet::storage
