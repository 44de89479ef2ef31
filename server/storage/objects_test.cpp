#include "server/storage/objects.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/fs.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/storage/pairs.hpp"
#include "server/storage/upload_rows.hpp"

namespace sagelet::storage {
namespace {

/// A disk that fills up, or cannot sync, or knows no unnamed files.
class FaultyDisk : public Disk {
 public:
  std::atomic<bool> full = false;
  std::atomic<bool> full_until_removed = false;  ///< and removing takes its time
  bool sync_fails = false;
  bool no_unnamed_files = false;

  Result<NewFile> create(const fs::path& folder) override {
    if (!no_unnamed_files) return Disk::create(folder);
    const auto name = folder / "staging" / std::to_string(serial_++);
    TRY(make_folders(name.parent_path()));
    TRY(auto fd, open_file(name, O_RDWR | O_CREAT | O_CLOEXEC));
    return NewFile{std::move(fd), name};
  }
  Status write(int fd, std::string_view bytes) override {
    if (!full && !full_until_removed) return Disk::write(fd, bytes);
    (void)Disk::write(fd, bytes.substr(0, bytes.size() / 2));  // what still fitted
    return Error::from_errno("write", ENOSPC);
  }
  Status remove(const fs::path& path) override {
    if (full_until_removed) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    auto removed = Disk::remove(path);
    full_until_removed = false;
    return removed;
  }
  Status sync(int fd) override {
    if (sync_fails) return Error::from_errno("fdatasync", EIO);
    return Disk::sync(fd);
  }

 private:
  int serial_ = 0;
};

const std::string kLarge(100'000, 'L');
const std::string kOther(120'000, 'O');

std::string shown(const std::string& bytes) {
  const bool uniform = bytes.find_first_not_of(bytes.substr(0, 1)) == std::string::npos;
  if (bytes.size() < 100) return bytes;
  return uniform ? bytes.substr(0, 1) + " x " + std::to_string(bytes.size())
                 : std::to_string(std::hash<std::string>()(bytes));
}

class ObjectsTest : public testing::TestWithParam<Durability> {
 protected:
  void SetUp() override {
    auto made = TempFolder::make(fs::temp_directory_path(), "objects");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    reopen();
    ASSERT_TRUE(ledger->commit_and_wait([](Connection& db) {
      Bucket bucket{0, "bucket", "123456789012", "us-east-1", from_millis(1)};
      return insert_bucket(db, bucket);
    }));
  }
  void close() {
    store.reset();
    ledger.reset();
  }
  void reopen() {
    close();
    auto opened = Ledger::open(data() / "ledger.db", GetParam());
    ASSERT_TRUE(opened) << opened.error().message();
    ledger = std::move(*opened);
    auto objects = ObjectStore::open(data() / "objects", *ledger, disk);
    ASSERT_TRUE(objects) << objects.error().message();
    store = std::move(*objects);
  }
  const fs::path& data() const { return folder_->path(); }

  Staged staged(std::string_view bytes) {
    auto made = store->stage();
    EXPECT_TRUE(made.append(bytes.substr(0, bytes.size() / 2)));
    EXPECT_TRUE(made.append(bytes.substr(bytes.size() / 2)));
    return made;
  }
  static ObjectChange put_change(const std::string& key, std::uint64_t size) {
    return [=](Connection& db, BodyId body, Freed& freed) -> Status {
      ObjectRow row;
      row.key = key;
      row.size = size;
      row.etag = "e";
      row.body = body;
      return put_object(db, 1, row, freed);
    };
  }
  Status put(const std::string& key, std::string_view bytes) {
    return store->commit(staged(bytes), put_change(key, bytes.size())).wait();
  }
  Status remove(const std::string& key) {
    return store
        ->commit([key](Connection& db, BodyId, Freed& freed) -> Status {
          TRY(delete_object(db, 1, key, freed));
          return {};
        })
        .wait();
  }
  std::optional<OpenObject> open(const std::string& key) {
    auto found = store->find("bucket", key, ObjectStore::Want::kBytes);
    EXPECT_TRUE(found) << found.error().message();
    return found ? std::move(found->object) : std::nullopt;
  }
  std::string bytes_of(const OpenObject& object) {
    std::string bytes(object.row.size, '\0');
    const auto done = store->read(object, 0, bytes);
    EXPECT_TRUE(done) << done.error().message();
    return bytes;
  }
  /// The object's bytes, shortened for a failing test's output.
  std::string get(const std::string& key) {
    const auto object = open(key);
    return object ? shown(bytes_of(*object)) : "(none)";
  }
  /// Files of bodies; removals happen in the background, so wait until there are `expected`.
  std::size_t files(std::size_t expected) const {
    for (int tries = 0; tries < 200; ++tries) {
      if (count_files() == expected) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return count_files();
  }
  std::size_t count_files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(data() / "objects"))
      count += entry.is_regular_file() && entry.path().filename() != "unclean" ? 1 : 0;
    return count;
  }

  FaultyDisk disk;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<ObjectStore> store;

 private:
  std::optional<TempFolder> folder_;
};

INSTANTIATE_TEST_SUITE_P(EachDurability, ObjectsTest,
                         testing::Values(Durability::kPower, Durability::kProcess, Durability::kNone));

class SyncedObjectsTest : public ObjectsTest {};
INSTANTIATE_TEST_SUITE_P(Power, SyncedObjectsTest, testing::Values(Durability::kPower));

TEST_P(ObjectsTest, FindsABucketAsTheLastChangeOfItLeftIt) {
  const auto settings = [&] {
    const auto found = store->find_bucket("bucket");
    return found && *found ? std::optional((*found)->has("policy")) : std::nullopt;
  };
  EXPECT_EQ(settings(), std::optional(false));
  ASSERT_TRUE(put("key", "bytes"));
  EXPECT_EQ(settings(), std::optional(false));
  ASSERT_TRUE(store->commit([](Connection& db, BodyId, Freed&) { return put_setting(db, 1, "policy", "{}"); })
                  .wait());
  EXPECT_EQ(settings(), std::optional(true));
  ASSERT_TRUE(
      store->commit([](Connection& db, BodyId, Freed&) { return delete_setting(db, 1, "policy"); }).wait());
  EXPECT_EQ(settings(), std::optional(false));
  ASSERT_TRUE(store->clear());
  EXPECT_EQ(settings(), std::nullopt);
}

TEST_P(ObjectsTest, RemembersABucketAcrossChangesOfObjectsAlone) {
  ASSERT_TRUE(*store->find_bucket("bucket"));
  // Behind the store's back, to see whether it looks.
  ASSERT_TRUE(ledger->commit_and_wait([](Connection& db) { return put_setting(db, 1, "policy", "{}"); }));
  ASSERT_TRUE(store->commit(staged("x"), put_change("key", 1), ObjectStore::Touches::kObjects).wait());
  EXPECT_FALSE((*store->find_bucket("bucket"))->has("policy"));
  ASSERT_TRUE(put("key", "bytes"));  // says nothing of what it touches
  EXPECT_TRUE((*store->find_bucket("bucket"))->has("policy"));
}

TEST_P(ObjectsTest, KeepsSmallLargeAndEmptyBodies) {
  ASSERT_TRUE(put("empty", ""));
  ASSERT_TRUE(put("small", "hello"));
  ASSERT_TRUE(put("limit", std::string(kInlineLimit, 'x')));
  ASSERT_TRUE(put("large", kLarge));
  reopen();
  EXPECT_EQ(get("empty"), "");
  EXPECT_EQ(get("small"), "hello");
  EXPECT_EQ(get("limit"), shown(std::string(kInlineLimit, 'x')));
  EXPECT_EQ(get("large"), shown(kLarge));
  EXPECT_EQ(get("none"), "(none)");
  EXPECT_EQ(files(1), 1u) << "only the large one is a file";
}

TEST_P(ObjectsTest, NeverMakesAPathOfAKey) {
  for (const char* key : {"../../up", "/etc/passwd", "a//b", "dir/", "dir", ".", "..", "nul"}) {
    ASSERT_TRUE(put(key, kLarge + key));
    EXPECT_EQ(get(key), shown(kLarge + key));
  }
  EXPECT_FALSE(fs::exists(data() / "up"));
}

TEST_P(ObjectsTest, ReplacesAndDeletesWithTheFiles) {
  ASSERT_TRUE(put("k", kLarge));
  ASSERT_TRUE(put("k", kOther));
  EXPECT_EQ(get("k"), shown(kOther));
  EXPECT_EQ(files(1), 1u);
  ASSERT_TRUE(put("k", "small now"));
  EXPECT_EQ(get("k"), "small now");
  EXPECT_EQ(files(0), 0u);
  ASSERT_TRUE(remove("k"));
  EXPECT_EQ(get("k"), "(none)");
  ASSERT_TRUE(remove("k"));
}

TEST_P(ObjectsTest, KeepsOldObjectWhenUploadBreaksOff) {
  ASSERT_TRUE(put("k", kLarge));
  { auto broken = staged(kOther); }
  EXPECT_EQ(get("k"), shown(kLarge));
  EXPECT_EQ(files(1), 1u);
}

TEST_P(ObjectsTest, KeepsOldObjectWhenTheChangeRefuses) {
  ASSERT_TRUE(put("k", kLarge));
  const auto refused = store
                           ->commit(staged(kOther),
                                    [](Connection& db, BodyId body, Freed& freed) -> Status {
                                      TRY(put_change("k", 1)(db, body, freed));
                                      return Error(ErrorKind::kConflict, "precondition");
                                    })
                           .wait();
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(ErrorKind::kConflict));
  EXPECT_EQ(get("k"), shown(kLarge));
  EXPECT_EQ(files(1), 1u) << "the refused bytes are gone";
}

TEST_P(ObjectsTest, ReaderKeepsTheBytesItOpened) {
  ASSERT_TRUE(put("k", kLarge));
  const auto object = open("k");
  ASSERT_TRUE(put("k", kOther));
  ASSERT_TRUE(remove("k"));
  EXPECT_EQ(files(0), 0u);
  EXPECT_EQ(shown(bytes_of(*object)), shown(kLarge));
}

TEST_P(ObjectsTest, ReadersSeeTheOldOrTheNewNeverHalf) {
  ASSERT_TRUE(put("k", kLarge));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) EXPECT_TRUE(put("k", i % 2 == 0 ? kOther : kLarge));
  });
  for (int i = 0; i < 200; ++i) {
    const auto bytes = get("k");
    EXPECT_TRUE(bytes == shown(kLarge) || bytes == shown(kOther)) << bytes;
  }
  stop = true;
  writer.join();
}

/// Numbers of one width, so that every read may come from what was read lately.
TEST_P(ObjectsTest, AnAcknowledgedChangeIsWhatTheNextReaderSees) {
  ASSERT_TRUE(put("k", "1000"));
  std::atomic<int> acknowledged{1000}, stale{0}, backwards{0};
  std::atomic<bool> stop{false};
  const auto read_on = [&] {
    for (int last = 0; !stop;) {
      const int at_least = acknowledged;
      const auto object = open("k");
      const int seen = object ? std::stoi(object->bytes) : 0;
      stale += seen < at_least ? 1 : 0;
      backwards += seen < last ? 1 : 0;
      last = seen;
    }
  };
  std::thread one(read_on), other(read_on);
  for (int number = 1001; number < 1200; ++number) {
    ASSERT_TRUE(put("k", std::to_string(number)));
    acknowledged = number;
    for (int again = 0; again < 3; ++again) EXPECT_EQ(get("k"), std::to_string(number));
  }
  stop = true;
  one.join();
  other.join();
  EXPECT_EQ(stale, 0);
  EXPECT_EQ(backwards, 0);
}

TEST_P(ObjectsTest, WhatWasReadLatelyFollowsEveryChange) {
  const auto tags = [this] { return open("k")->row.tags; };
  ASSERT_TRUE(put("k", "small"));
  EXPECT_EQ(tags() + tags(), "");
  const auto tag = [](Connection& db, BodyId, Freed&) -> Status {
    TRY(set_object_tags(db, 1, "k", "t"));
    return {};
  };
  ASSERT_TRUE(store->commit(tag).wait());
  EXPECT_EQ(tags() + tags(), "tt");
  ASSERT_TRUE(remove("k"));
  EXPECT_EQ(get("k"), "(none)");
  ASSERT_TRUE(put("k", "again"));
  EXPECT_EQ(get("k") + get("k"), "againagain");
  ASSERT_TRUE(store->clear());
  const auto found = store->find("bucket", "k", ObjectStore::Want::kBytes);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->bucket);
}

TEST_P(ObjectsTest, FullDiskWhileStagingIsNoSpace) {
  auto broken = store->stage();
  disk.full = true;
  const auto status = broken.append(kLarge);
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.error().is(ErrorKind::kNoSpace));
  disk.full = false;
  EXPECT_TRUE(put("k", kLarge));
}

TEST_P(ObjectsTest, WhatWasDeletedMakesRoomForTheNextBytesAtOnce) {
  ASSERT_TRUE(put("old", kLarge));
  disk.full_until_removed = true;
  ASSERT_TRUE(remove("old"));
  ASSERT_TRUE(put("new", kOther));
  EXPECT_EQ(get("new"), shown(kOther));
}

TEST_P(ObjectsTest, WhatWasDeletedMakesRoomForTheNextRecordAtOnce) {
  ASSERT_TRUE(put("old", kLarge));
  disk.full_until_removed = true;
  ASSERT_TRUE(remove("old"));
  auto change = put_change("new", kOther.size());
  const auto status = store->commit(staged(""), [&](Connection& db, BodyId body, Freed& freed) -> Status {
    if (disk.full_until_removed) return Error(ErrorKind::kNoSpace, "the ledger cannot grow");
    return change(db, body, freed);
  });
  EXPECT_TRUE(status.wait());
}

TEST_P(SyncedObjectsTest, AcknowledgesNoBytesThatWereNotSynced) {
  ASSERT_TRUE(put("k", kLarge));
  disk.sync_fails = true;
  EXPECT_FALSE(put("k", kOther));
  EXPECT_EQ(get("k"), shown(kLarge));
}

TEST_P(ObjectsTest, WorksWithoutUnnamedFiles) {
  disk.no_unnamed_files = true;
  ASSERT_TRUE(put("k", kLarge));
  EXPECT_EQ(get("k"), shown(kLarge));
  { auto broken = staged(kOther); }
  EXPECT_EQ(files(1), 1u) << "what is not kept leaves nothing in staging";
}

TEST_P(ObjectsTest, SharesTheBytesOfACopy) {
  ASSERT_TRUE(put("a", kLarge));
  {
    const auto source = open("a");
    auto again = store->stage_again(*source, nullptr);
    ASSERT_TRUE(again);
    ASSERT_TRUE(store->commit(std::move(*again), put_change("b", kLarge.size())).wait());
  }
  ASSERT_TRUE(remove("a"));
  EXPECT_EQ(get("b"), shown(kLarge));
}

TEST_P(ObjectsTest, CopiesBytesWhoseLastNameIsGone) {
  ASSERT_TRUE(put("a", kLarge));
  const auto source = open("a");
  ASSERT_TRUE(remove("a"));
  ASSERT_EQ(files(0), 0u);
  auto again = store->stage_again(*source, nullptr);
  ASSERT_TRUE(again);
  ASSERT_TRUE(store->commit(std::move(*again), put_change("b", kLarge.size())).wait());
  EXPECT_EQ(get("b"), shown(kLarge));
}

class PartsTest : public ObjectsTest {
 protected:
  /// An object "k" of three parts: large, small, large.
  void make_object_in_parts() {
    std::vector<PartRef> refs;
    std::uint64_t size = 0;
    for (const auto& bytes : {kLarge, std::string("small"), kOther}) {
      BodyId id = 0;
      ASSERT_TRUE(store
                      ->commit(staged(bytes),
                               [&](Connection&, BodyId body, Freed&) -> Status {
                                 id = body;
                                 return {};
                               })
                      .wait());
      refs.push_back({static_cast<std::uint32_t>(refs.size() + 1), bytes.size(), id, ""});
      size += bytes.size();
    }
    ASSERT_TRUE(store
                    ->commit([&](Connection& db, BodyId, Freed& freed) -> Status {
                      ObjectRow row;
                      row.key = "k";
                      row.size = size;
                      row.parts = pack_parts(refs);
                      return put_object(db, 1, row, freed);
                    })
                    .wait());
  }
  const std::string whole = kLarge + "small" + kOther;
};

INSTANTIATE_TEST_SUITE_P(EachDurability, PartsTest,
                         testing::Values(Durability::kPower, Durability::kProcess));

TEST_P(PartsTest, ReadsAcrossParts) {
  make_object_in_parts();
  reopen();
  EXPECT_EQ(get("k"), shown(whole));
  const auto object = open("k");
  for (const std::uint64_t offset : {0ul, 99'990ul, 100'000ul, 100'003ul, 100'005ul, 220'000ul}) {
    std::string piece(std::min<std::size_t>(20, whole.size() - offset), '\0');
    ASSERT_TRUE(store->read(*object, offset, piece));
    EXPECT_EQ(piece, whole.substr(offset, piece.size())) << offset;
  }
}

TEST_P(PartsTest, GivesAPartsFileForARangeInsideIt) {
  make_object_in_parts();
  const auto object = open("k");
  std::uint64_t within = 99;
  EXPECT_NE(object->single_part(0, kLarge.size(), within), nullptr);
  EXPECT_EQ(within, 0u);
  EXPECT_NE(object->single_part(kLarge.size() + 5 + 7, 10, within), nullptr);
  EXPECT_EQ(within, 7u);
  EXPECT_EQ(object->single_part(1, kLarge.size(), within), nullptr) << "reaches into the next part";
  EXPECT_EQ(object->single_part(kLarge.size(), 5, within), nullptr) << "lies in the ledger";
}

TEST_P(PartsTest, AReaderKeepsThePartsOfADeletedObject) {
  make_object_in_parts();
  {
    const auto object = open("k");
    ASSERT_TRUE(remove("k"));
    EXPECT_EQ(shown(bytes_of(*object)), shown(whole));
  }
  EXPECT_EQ(files(0), 0u) << "the last reader takes them along";
}

TEST_P(ObjectsTest, SweepsFilesOfACrashButNotObjects) {
  ASSERT_TRUE(put("k", kLarge));
  close();
  ASSERT_TRUE(make_folders(data() / "objects/07"));
  ASSERT_TRUE(write_file(data() / "objects/07/0000000000000107", "left by a crash"));
  ASSERT_TRUE(write_file(data() / "objects/07/not-an-id", "somebody's"));
  ASSERT_TRUE(write_file(data() / "objects/unclean", ""));
  reopen();
  EXPECT_EQ(files(2), 2u);
  EXPECT_TRUE(fs::exists(data() / "objects/07/not-an-id"));
  EXPECT_EQ(get("k"), shown(kLarge));
}

TEST_P(ObjectsTest, ClearForgetsEverythingAndGoesOn) {
  ASSERT_TRUE(put("k", kLarge));
  ASSERT_TRUE(store->clear());
  auto found = store->find("bucket", "k", ObjectStore::Want::kBytes);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->bucket);
  ASSERT_TRUE(ledger->commit_and_wait([](Connection& db) {
    Bucket bucket{0, "bucket", "123456789012", "us-east-1", from_millis(1)};
    return insert_bucket(db, bucket);
  }));
  ASSERT_TRUE(put("k", kOther));
  EXPECT_EQ(get("k"), shown(kOther));
}

/// The child of the crash test below: puts "k" again and dies at the crash point.
TEST(ObjectsVictim, DISABLED_ReplacesAnObject) {
  const fs::path data = ::getenv("VICTIM_FILE");
  auto ledger = Ledger::open(data / "ledger.db", static_cast<Durability>(std::atoi(::getenv("VICTIM_MODE"))));
  auto store = ObjectStore::open(data / "objects", **ledger);
  auto staged = (*store)->stage();
  ASSERT_TRUE(staged.append(kOther));
  auto change = [](Connection& db, BodyId body, Freed& freed) -> Status {
    ObjectRow row;
    row.key = "k";
    row.size = kOther.size();
    row.body = body;
    return put_object(db, 1, row, freed);
  };
  (void)(*store)->commit(std::move(staged), change).wait();
}

void replace_and_die(const fs::path& data, Durability durability, const char* point) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("SAGELET_CRASH_AT", point, 1);
    ::setenv("VICTIM_FILE", data.c_str(), 1);
    ::setenv("VICTIM_MODE", std::to_string(static_cast<int>(durability)).c_str(), 1);
    ::execl("/proc/self/exe", "storage_test", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
            "--gtest_filter=ObjectsVictim.*", nullptr);
    ::_exit(3);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << point << ": status " << status;
}

TEST_P(ObjectsTest, HoldsTheOldOrTheNewWholeAfterKill9) {
  for (const char* point :
       {"objects.before_name", "objects.after_name", "ledger.before_commit", "ledger.after_commit"}) {
    ASSERT_TRUE(put("k", kLarge));
    close();
    replace_and_die(data(), GetParam(), point);
    reopen();
    const bool committed = std::string_view(point) == "ledger.after_commit";
    EXPECT_EQ(get("k"), shown(committed ? kOther : kLarge)) << point;
    EXPECT_EQ(files(1), 1u) << point << ": the sweep removes what nobody names";
  }
}

TEST(Pairs, ComeBackAsTheyWere) {
  const Pairs pairs = {
      {"a", "1"}, {"", ""}, {"long", std::string(1000, 'x')}, {"\xff", std::string("\0\n", 2)}};
  EXPECT_EQ(unpack(pack(pairs)), pairs);
  EXPECT_EQ(count_packed(pack(pairs)), 4u);
  EXPECT_TRUE(unpack("\x05"
                     "ab")
                  .empty())
      << "cut off";
}

}  // namespace
}  // namespace sagelet::storage
