#include "server/storage/ledger.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/fs.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/storage/failing_vfs_for_tests.hpp"
#include "server/storage/ledger_connection.hpp"
#include "server/storage/migrations.hpp"
#include "sqlite3.h"

namespace sagelet::storage {

// ---- a file system that fails on command ----

namespace {

struct FailingFile {
  sqlite3_file base;
  sqlite3_file* real;
};

sqlite3_vfs* real_vfs = nullptr;
sqlite3_io_methods failing_methods;

sqlite3_file* real_of(sqlite3_file* file) {
  return reinterpret_cast<FailingFile*>(file)->real;
}

int open_failing(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  auto* mine = reinterpret_cast<FailingFile*>(file);
  mine->real = reinterpret_cast<sqlite3_file*>(mine + 1);
  const int code = real_vfs->xOpen(real_vfs, name, mine->real, flags, out);
  mine->base.pMethods = mine->real->pMethods == nullptr ? nullptr : &failing_methods;
  return code;
}

void fill_methods() {
  auto& m = failing_methods;
  m.iVersion = 3;
  m.xClose = [](sqlite3_file* f) { return real_of(f)->pMethods->xClose(real_of(f)); };
  m.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
    return real_of(f)->pMethods->xRead(real_of(f), to, n, at);
  };
  m.xWrite = [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
    ++FailingVfs::get().writes;
    if (FailingVfs::get().disk_full) return SQLITE_FULL;
    return real_of(f)->pMethods->xWrite(real_of(f), from, n, at);
  };
  m.xTruncate = [](sqlite3_file* f, sqlite3_int64 n) {
    return real_of(f)->pMethods->xTruncate(real_of(f), n);
  };
  m.xSync = [](sqlite3_file* f, int flags) {
    ++FailingVfs::get().syncs;
    if (FailingVfs::get().sync_fails) return SQLITE_IOERR_FSYNC;
    return real_of(f)->pMethods->xSync(real_of(f), flags);
  };
  m.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) {
    return real_of(f)->pMethods->xFileSize(real_of(f), n);
  };
  m.xLock = [](sqlite3_file* f, int l) { return real_of(f)->pMethods->xLock(real_of(f), l); };
  m.xUnlock = [](sqlite3_file* f, int l) { return real_of(f)->pMethods->xUnlock(real_of(f), l); };
  m.xCheckReservedLock = [](sqlite3_file* f, int* r) {
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), r);
  };
  m.xFileControl = [](sqlite3_file* f, int op, void* a) {
    return real_of(f)->pMethods->xFileControl(real_of(f), op, a);
  };
  m.xSectorSize = [](sqlite3_file* f) { return real_of(f)->pMethods->xSectorSize(real_of(f)); };
  m.xDeviceCharacteristics = [](sqlite3_file* f) {
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
  };
  m.xShmMap = [](sqlite3_file* f, int p, int n, int e, void volatile** o) {
    return real_of(f)->pMethods->xShmMap(real_of(f), p, n, e, o);
  };
  m.xShmLock = [](sqlite3_file* f, int o, int n, int l) {
    return real_of(f)->pMethods->xShmLock(real_of(f), o, n, l);
  };
  m.xShmBarrier = [](sqlite3_file* f) { real_of(f)->pMethods->xShmBarrier(real_of(f)); };
  m.xShmUnmap = [](sqlite3_file* f, int d) { return real_of(f)->pMethods->xShmUnmap(real_of(f), d); };
  m.xFetch = [](sqlite3_file* f, sqlite3_int64 at, int n, void** o) {
    return real_of(f)->pMethods->xFetch(real_of(f), at, n, o);
  };
  m.xUnfetch = [](sqlite3_file* f, sqlite3_int64 at, void* p) {
    return real_of(f)->pMethods->xUnfetch(real_of(f), at, p);
  };
}

}  // namespace

FailingVfs& FailingVfs::get() {
  static FailingVfs state;
  static const bool once = [] {
    real_vfs = sqlite3_vfs_find(nullptr);
    fill_methods();
    static sqlite3_vfs vfs = *real_vfs;
    vfs.zName = kName;
    vfs.szOsFile = static_cast<int>(sizeof(FailingFile)) + real_vfs->szOsFile;
    vfs.xOpen = open_failing;
    vfs.pNext = nullptr;
    sqlite3_vfs_register(&vfs, 0);
    return true;
  }();
  (void)once;
  return state;
}

// ---- the tests ----

namespace {

Status add(Connection& db, int number) {
  return db.prepare("INSERT INTO numbers(n) VALUES (?)").bind(1, number).run();
}

std::int64_t count(Ledger& ledger) {
  std::int64_t counted = -1;
  const auto done = ledger.read([&](Connection& db) -> Status {
    auto query = db.prepare("SELECT count(*) FROM numbers");
    TRY(const bool row, query.step());
    if (row) counted = query.integer(0);
    return {};
  });
  EXPECT_TRUE(done) << done.error().message();
  return counted;
}

class LedgerTest : public testing::TestWithParam<Durability> {
 protected:
  void SetUp() override {
    auto made = TempFolder::make(fs::temp_directory_path(), "ledger");
    ASSERT_TRUE(made) << made.error().message();
    folder_.emplace(std::move(*made));
  }
  fs::path file() const { return folder_->path() / "ledger.db"; }
  std::unique_ptr<Ledger> open(const char* vfs = nullptr) {
    auto opened = Ledger::open(file(), GetParam(), vfs);
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? std::move(*opened) : nullptr;
  }
  std::unique_ptr<Ledger> open_with_table(const char* vfs = nullptr) {
    auto ledger = open(vfs);
    EXPECT_TRUE(ledger->commit_and_wait([](Connection& db) {
      return db.prepare("CREATE TABLE IF NOT EXISTS numbers(n INTEGER PRIMARY KEY)").run();
    }));
    return ledger;
  }

 private:
  std::optional<TempFolder> folder_;
};

INSTANTIATE_TEST_SUITE_P(EachDurability, LedgerTest,
                         testing::Values(Durability::kPower, Durability::kProcess, Durability::kNone));

class SyncedLedgerTest : public LedgerTest {};
INSTANTIATE_TEST_SUITE_P(Power, SyncedLedgerTest, testing::Values(Durability::kPower));

TEST_P(LedgerTest, ReadsWhatWasCommittedBeforeAlsoAfterOpeningAgain) {
  {
    auto ledger = open_with_table();
    ASSERT_TRUE(ledger->commit_and_wait([](Connection& db) { return add(db, 1); }));
    EXPECT_EQ(count(*ledger), 1);
  }
  EXPECT_EQ(count(*open()), 1);
}

TEST_P(LedgerTest, UndoesAFailedChangeAlone) {
  auto ledger = open_with_table();
  std::vector<Ticket> tickets;
  for (int i = 0; i < 100; ++i)
    tickets.push_back(ledger->commit([i](Connection& db) -> Status {
      TRY(add(db, i));
      if (i % 10 == 3) return Error(ErrorKind::kConflict, "refused");
      return {};
    }));
  int failed = 0;
  for (const auto& ticket : tickets) {
    const auto status = ticket.wait();
    if (status) continue;
    EXPECT_TRUE(status.error().is(ErrorKind::kConflict)) << status.error().message();
    ++failed;
  }
  EXPECT_EQ(failed, 10);
  EXPECT_EQ(count(*ledger), 90);
}

TEST_P(LedgerTest, SaysThatARowExistsAlready) {
  auto ledger = open_with_table();
  ASSERT_TRUE(ledger->commit_and_wait([](Connection& db) { return add(db, 7); }));
  const auto again = ledger->commit_and_wait([](Connection& db) { return add(db, 7); });
  ASSERT_FALSE(again);
  EXPECT_TRUE(again.error().is(ErrorKind::kAlreadyExists)) << again.error().message();
}

TEST_P(LedgerTest, SurvivesAChangeThatThrows) {
  auto ledger = open_with_table();
  const auto thrown = ledger->commit_and_wait([](Connection& db) -> Status {
    TRY(add(db, 1));
    throw std::runtime_error("a bug");
  });
  ASSERT_FALSE(thrown);
  EXPECT_TRUE(thrown.error().is(ErrorKind::kInternal));
  EXPECT_EQ(count(*ledger), 0);
  EXPECT_TRUE(ledger->commit_and_wait([](Connection& db) { return add(db, 1); }));
}

TEST_P(LedgerTest, ReportsBrokenSqlInsteadOfCrashing) {
  auto ledger = open();
  const auto status = ledger->read([](Connection& db) -> Status {
    TRY(const bool row, db.prepare("SELECT nothing FROM nowhere").bind(1, 5).step());
    EXPECT_FALSE(row);
    return {};
  });
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), testing::HasSubstr("nowhere"));
}

TEST_P(LedgerTest, GivesTheSameStatementTwiceAtOnce) {
  auto ledger = open_with_table();
  ASSERT_TRUE(ledger->commit_and_wait([](Connection& db) -> Status {
    TRY(add(db, 1));
    return add(db, 2);
  }));
  static constexpr const char* kAll = "SELECT n FROM numbers ORDER BY n";
  const auto done = ledger->read([](Connection& db) -> Status {
    auto outer = db.prepare(kAll);
    TRY(const bool first, outer.step());
    auto inner = db.prepare(kAll);
    TRY(const bool again, inner.step());
    EXPECT_TRUE(first && again);
    EXPECT_EQ(outer.integer(0), 1);
    EXPECT_EQ(inner.integer(0), 1);
    return {};
  });
  EXPECT_TRUE(done);
}

TEST_P(LedgerTest, ReadersKeepTheirSnapshot) {
  auto ledger = open_with_table();
  const auto done = ledger->read([&](Connection& db) -> Status {
    {
      TRY(const bool row, db.prepare("SELECT 1 FROM numbers").step());
      EXPECT_FALSE(row);
    }
    std::thread([&] {
      EXPECT_TRUE(ledger->commit_and_wait([](Connection& w) { return add(w, 1); }));
    }).join();
    TRY(const bool row, db.prepare("SELECT 2 FROM numbers").step());
    EXPECT_FALSE(row);
    return {};
  });
  EXPECT_TRUE(done);
  EXPECT_EQ(count(*ledger), 1);
}

TEST_P(LedgerTest, LosesNoChangeOfManyThreads) {
  auto ledger = open_with_table();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i)
        EXPECT_TRUE(ledger->commit_and_wait([&](Connection& db) { return add(db, t * 1000 + i); }));
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count(*ledger), 400);
}

TEST_P(LedgerTest, ClearsWhileOthersReadAndWrite) {
  auto ledger = open();
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop)
      EXPECT_TRUE(ledger->read([](Connection& db) -> Status {
        TRY(const bool row, db.prepare("SELECT 1 FROM buckets").step());
        (void)row;
        return {};
      }));
  });
  std::thread writer([&] {
    for (int i = 0; !stop; ++i)
      (void)ledger->commit_and_wait([&](Connection& db) {
        return db.prepare("INSERT INTO buckets(name, account, region, created) VALUES (?, '', '', 0)")
            .bind(1, std::to_string(i))
            .run();
      });
  });
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(ledger->clear());
  stop = true;
  reader.join();
  writer.join();
  EXPECT_TRUE(ledger->clear());
  EXPECT_TRUE(ledger->read([](Connection& db) -> Status {
    TRY(const bool row, db.prepare("SELECT 1 FROM buckets").step());
    EXPECT_FALSE(row);
    return {};
  }));
}

TEST_P(LedgerTest, FullDiskIsNoSpaceAndTheLedgerGoesOnAfterwards) {
  auto& vfs = FailingVfs::get();
  auto ledger = open_with_table(FailingVfs::kName);
  vfs.disk_full = true;
  std::vector<Ticket> tickets;
  for (int i = 0; i < 5; ++i) tickets.push_back(ledger->commit([i](Connection& db) { return add(db, i); }));
  for (const auto& ticket : tickets) {
    const auto status = ticket.wait();
    ASSERT_FALSE(status);
    EXPECT_TRUE(status.error().is(ErrorKind::kNoSpace)) << status.error().message();
  }
  EXPECT_EQ(count(*ledger), 0);
  vfs.disk_full = false;
  EXPECT_TRUE(ledger->commit_and_wait([](Connection& db) { return add(db, 1); }));
  EXPECT_EQ(count(*ledger), 1);
}

TEST_P(LedgerTest, ClearsAgainAfterAClearThatFailed) {
  auto& vfs = FailingVfs::get();
  auto ledger = open_with_table(FailingVfs::kName);
  vfs.disk_full = true;
  EXPECT_FALSE(ledger->clear());
  EXPECT_FALSE(ledger->commit_and_wait([](Connection& db) { return add(db, 1); })) << "closed, not broken";
  vfs.disk_full = false;
  EXPECT_TRUE(ledger->clear());
  EXPECT_TRUE(ledger->read([](Connection&) -> Status { return {}; }));
}

TEST_P(SyncedLedgerTest, AcknowledgesNothingThatWasNotSynced) {
  auto& vfs = FailingVfs::get();
  auto ledger = open_with_table(FailingVfs::kName);
  vfs.sync_fails = true;
  EXPECT_FALSE(ledger->commit_and_wait([](Connection& db) { return add(db, 1); }));
  vfs.sync_fails = false;
  EXPECT_TRUE(ledger->commit_and_wait([](Connection& db) { return add(db, 2); }));
}

/// Holds the writer, queues 100 changes behind it, lets go.
void commit_while_held(Ledger& ledger) {
  Ticket held;
  const auto first = ledger.commit([&](Connection&) -> Status { return held.wait(); });
  std::vector<Ticket> tickets;
  for (int i = 0; i < 100; ++i) tickets.push_back(ledger.commit([i](Connection& db) { return add(db, i); }));
  held.complete({});
  for (const auto& ticket : tickets) EXPECT_TRUE(ticket.wait());
  EXPECT_TRUE(first.wait());
}

TEST_P(LedgerTest, WaitingWritersShareACommit) {
  auto& vfs = FailingVfs::get();
  auto ledger = open_with_table(FailingVfs::kName);
  const int before = vfs.writes;
  commit_while_held(*ledger);
  EXPECT_EQ(count(*ledger), 100);
  EXPECT_LE(vfs.writes - before, 30) << "a commit alone writes two times at least";
}

TEST_P(SyncedLedgerTest, WaitingWritersShareASync) {
  auto& vfs = FailingVfs::get();
  auto ledger = open_with_table(FailingVfs::kName);
  const int before = vfs.syncs;
  commit_while_held(*ledger);
  EXPECT_LE(vfs.syncs - before, 3);
}

TEST_P(LedgerTest, RefusesADatabaseFromTheFuture) {
  {
    auto ledger = open();
    ASSERT_TRUE(ledger->commit_and_wait([](Connection& db) {
      return db.prepare("UPDATE schema_version SET version = 99 WHERE room = 'objects'").run();
    }));
  }
  const auto opened = Ledger::open(file(), GetParam());
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().is(ErrorKind::kInvalid));
  EXPECT_THAT(opened.error().message(), testing::HasSubstr("newer sagelet"));
}

TEST_P(LedgerTest, RefusesAFileThatIsNoDatabase) {
  ASSERT_TRUE(write_file(file(), std::string(10'000, 'x')));
  const auto opened = Ledger::open(file(), GetParam());
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().is(ErrorKind::kCorrupt)) << opened.error().message();
}

/// The child of the crash test below: writes numbers until it dies, telling each acknowledged one through the
/// pipe.
TEST(LedgerVictim, DISABLED_WritesUntilKilled) {
  const int pipe = std::atoi(::getenv("VICTIM_PIPE"));
  auto ledger =
      Ledger::open(::getenv("VICTIM_FILE"), static_cast<Durability>(std::atoi(::getenv("VICTIM_MODE"))));
  ASSERT_TRUE(ledger);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE((*ledger)->commit_and_wait([i](Connection& db) { return add(db, i); }));
    ASSERT_EQ(::write(pipe, &i, sizeof i), static_cast<ssize_t>(sizeof i));
  }
}

std::vector<int> acknowledged_before_kill(const fs::path& file, Durability durability, const char* point) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("SAGELET_CRASH_AT", point, 1);
    ::setenv("VICTIM_FILE", file.c_str(), 1);
    ::setenv("VICTIM_MODE", std::to_string(static_cast<int>(durability)).c_str(), 1);
    ::setenv("VICTIM_PIPE", std::to_string(ends[1]).c_str(), 1);
    ::execl("/proc/self/exe", "storage_test", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
            "--gtest_filter=LedgerVictim.*", nullptr);
    ::_exit(3);
  }
  ::close(ends[1]);
  std::vector<int> numbers;
  for (int number = 0; ::read(ends[0], &number, sizeof number) == sizeof number;) numbers.push_back(number);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
  return numbers;
}

TEST_P(LedgerTest, KeepsEverythingAcknowledgedThroughKill9) {
  open_with_table().reset();
  for (const char* point : {"ledger.before_commit:20", "ledger.after_commit:20"}) {
    const auto numbers = acknowledged_before_kill(file(), GetParam(), point);
    EXPECT_EQ(numbers.size(), 19u) << point;
    auto ledger = open();
    const auto kept = count(*ledger);
    EXPECT_GE(kept, 19) << point;
    EXPECT_LE(kept, 20) << point;
    ASSERT_TRUE(
        ledger->commit_and_wait([](Connection& db) { return db.prepare("DELETE FROM numbers").run(); }));
  }
}

}  // namespace
}  // namespace sagelet::storage
