#include "server/storage/version_rows.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <random>

#include "base/fs.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/storage/objects.hpp"
#include "server/storage/version_listing.hpp"

namespace sagelet::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class VersionsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = TempFolder::make(fs::temp_directory_path(), "versions");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    open();
    bucket.id = 1;
    bucket.versioning = Versioning::kEnabled;
  }
  void open() {
    auto opened = Ledger::open(file(), Durability::kNone);
    ASSERT_TRUE(opened) << opened.error().message();
    ledger_ = std::move(*opened);
  }
  fs::path file() const { return folder_->path() / "ledger.db"; }

  void change(const std::function<Status(Connection&)>& run) {
    const auto done = ledger_->commit_and_wait(run);
    ASSERT_TRUE(done) << done.error().message();
  }
  void put(const std::string& key, const std::string& version, BodyId body = 0) {
    change([&](Connection& db) -> Status {
      ObjectRow row;
      row.key = key;
      row.version = version;
      row.body = body;
      row.etag = "of " + version;
      if (body != 0) TRY(insert_body(db, body, nullptr));
      return put_version(db, bucket, row, freed);
    });
  }
  void hide(const std::string& key, const std::string& version) {
    change([&](Connection& db) { return put_marker(db, 1, key, version, from_millis(5), freed); });
  }
  bool remove(const std::string& key, const std::string& version) {
    bool found = false;
    change([&](Connection& db) -> Status {
      TRY(found, delete_version(db, 1, key, version, freed));
      return {};
    });
    return found;
  }
  /// "key version", with "!" for a delete marker and "*" for the newest of its key.
  std::vector<std::string> list(VersionQuery query = {}) {
    std::vector<std::string> shown;
    const auto done = ledger_->read([&](Connection& db) -> Status {
      TRY(page, list_versions(db, 1, query));
      return {};
    });
    EXPECT_TRUE(done) << done.error().message();
    for (const auto& one : page.versions)
      shown.push_back(one.object.key + " " + one.version + (one.marker ? "!" : "") + (one.latest ? "*" : ""));
    for (const auto& prefix : page.common_prefixes) shown.push_back(prefix);
    return shown;
  }
  std::string current(const std::string& key) {
    std::string version = "none";
    const auto done = ledger_->read([&](Connection& db) -> Status {
      TRY(const auto row, find_object(db, 1, key));
      if (row) version = row->version;
      return {};
    });
    EXPECT_TRUE(done) << done.error().message();
    return version;
  }

  Bucket bucket;
  Freed freed;
  VersionPage page;
  std::unique_ptr<Ledger> ledger_;
  std::optional<TempFolder> folder_;
};

TEST_F(VersionsTest, KeepsWhatIsOverwrittenNewestFirst) {
  put("k", "v1", 11);
  put("k", "v2", 12);
  put("j", "v3");
  EXPECT_THAT(list(), ElementsAre("j v3*", "k v2*", "k v1"));
  EXPECT_EQ(current("k"), "v2");
  EXPECT_THAT(freed, IsEmpty());
}

TEST_F(VersionsTest, ADeletedVersionFreesItsBytesAndTheNextIsTheNewest) {
  put("k", "v1", 11);
  put("k", "v2", 12);
  EXPECT_TRUE(remove("k", "v2"));
  EXPECT_THAT(freed, ElementsAre(12));
  EXPECT_EQ(current("k"), "v1");
  EXPECT_THAT(list(), ElementsAre("k v1*"));
  EXPECT_FALSE(remove("k", "v2"));
}

TEST_F(VersionsTest, AMarkerHidesTheKeyUntilItGoes) {
  put("k", "v1");
  hide("k", "m1");
  EXPECT_EQ(current("k"), "none");
  EXPECT_THAT(list(), ElementsAre("k m1!*", "k v1"));
  hide("k", "m2");
  EXPECT_THAT(list(), ElementsAre("k m2!*", "k m1!", "k v1"));
  EXPECT_TRUE(remove("k", "m2"));
  EXPECT_EQ(current("k"), "none") << "a marker is below";
  EXPECT_TRUE(remove("k", "m1"));
  EXPECT_EQ(current("k"), "v1");
}

TEST_F(VersionsTest, TheNullVersionIsReplacedAndTheOthersStay) {
  bucket.versioning = Versioning::kNever;
  put("k", "", 11);
  bucket.versioning = Versioning::kEnabled;
  put("k", "v1", 12);
  bucket.versioning = Versioning::kSuspended;
  put("k", "", 13);
  EXPECT_THAT(list(), ElementsAre("k *", "k v1"));
  EXPECT_THAT(freed, ElementsAre(11));
  hide("k", "");
  EXPECT_THAT(list(), ElementsAre("k !*", "k v1"));
  EXPECT_THAT(freed, ElementsAre(11, 13));
}

/// The same history kept in a list, newest first, and compared after every step: pages of every size too.
struct History {
  struct One {
    std::string version;
    bool marker;
  };
  std::map<std::string, std::vector<One>> keys;

  void add(const std::string& key, const std::string& version, bool marker) {
    if (version.empty()) drop(key, "");
    keys[key].insert(keys[key].begin(), {version, marker});
  }
  bool drop(const std::string& key, const std::string& version) {
    auto& all = keys[key];
    const auto at =
        std::find_if(all.begin(), all.end(), [&](const One& one) { return one.version == version; });
    if (at == all.end()) return false;
    all.erase(at);
    return true;
  }
  std::vector<std::string> shown() const {
    std::vector<std::string> lines;
    for (const auto& [key, all] : keys)
      for (std::size_t i = 0; i < all.size(); ++i)
        lines.push_back(key + " " + all[i].version + (all[i].marker ? "!" : "") + (i == 0 ? "*" : ""));
    return lines;
  }
};

TEST_F(VersionsTest, AgreesWithAPlainHistoryOnPagesOfAnySize) {
  std::mt19937 random(20'231);  // NOLINT: the same run every time
  const std::vector<std::string> keys = {"a", "a/1", "a/2", "b"};
  History history;
  for (int step = 0; step < 300; ++step) {
    const auto& key = keys[random() % keys.size()];
    const auto version = random() % 3 == 0 ? std::string() : "v" + std::to_string(step);
    switch (random() % 4) {
      case 0:
      case 1:
        put(key, version);
        history.add(key, version, false);
        break;
      case 2:
        hide(key, version);
        history.add(key, version, true);
        break;
      default: {
        const auto& all = history.keys[key];
        const auto gone = all.empty() ? "v0" : all[random() % all.size()].version;
        ASSERT_EQ(remove(key, gone), history.drop(key, gone));
      }
    }
    ASSERT_EQ(list(), history.shown()) << "step " << step;
    std::vector<std::string> paged;
    VersionQuery query;
    query.limit = 1 + random() % 3;
    do {
      const auto part = list(query);
      paged.insert(paged.end(), part.begin(), part.end());
      query.after_key = page.last_key;
      query.after_version = page.last_version;
    } while (page.truncated);
    ASSERT_EQ(paged, history.shown()) << "in pages of " << query.limit;
  }
}

TEST_F(VersionsTest, GroupsByDelimiterAndGoesOnBehindAGroup) {
  put("a", "v1");
  put("d/1", "v2");
  hide("d/2", "m1");
  put("e", "v3");
  VersionQuery query;
  query.delimiter = "/";
  query.limit = 2;
  EXPECT_THAT(list(query), ElementsAre("a v1*", "d/"));
  EXPECT_TRUE(page.truncated);
  query.after_key = page.last_key;
  EXPECT_THAT(list(query), ElementsAre("e v3*"));
}

TEST_F(VersionsTest, AMarkerOfAPageThatIsGoneSkipsNothing) {
  for (const char* version : {"v1", "v2", "v3"}) put("k", version);
  VersionQuery query;
  query.limit = 1;
  EXPECT_THAT(list(query), ElementsAre("k v3*"));
  remove("k", "v3");
  query.after_key = "k";
  query.after_version = "v3";
  EXPECT_THAT(list(query), ElementsAre("k v2*"));
}

TEST_F(VersionsTest, TagsOneVersion) {
  put("k", "v1");
  put("k", "v2");
  change([&](Connection& db) -> Status {
    TRY(const bool found, set_version_tags(db, 1, "k", "v1", "T"));
    EXPECT_TRUE(found);
    TRY(const auto old, find_version(db, 1, "k", "v1"));
    EXPECT_EQ(old->tags, "T");
    TRY(const auto newest, find_version(db, 1, "k", "v2"));
    EXPECT_EQ(newest->tags, "");
    TRY(const bool none, set_version_tags(db, 1, "k", "v9", "T"));
    EXPECT_FALSE(none);
    return {};
  });
}

TEST_F(VersionsTest, ABucketSaysWhichSettingsItHas) {
  change([&](Connection& db) -> Status {
    Bucket made{0, "b", "123456789012", "us-east-1", from_millis(1)};
    TRY(insert_bucket(db, made));
    TRY(put_setting(db, made.id, "policy", "{}"));
    TRY(put_setting(db, made.id, "acl", ""));
    TRY(put_setting(db, made.id, "of-later", ""));
    TRY(delete_setting(db, made.id, "acl"));
    TRY(const auto found, find_bucket(db, "b"));
    EXPECT_TRUE(found->has("policy"));
    EXPECT_FALSE(found->has("acl"));
    EXPECT_FALSE(found->has("tags"));
    EXPECT_TRUE(found->has("of-later"));  // a kind without a bit may be there
    return {};
  });
}

/// The tables of buckets and objects as the first release wrote them.
constexpr const char* kFormer = R"sql(
CREATE TABLE schema_version(room TEXT PRIMARY KEY, version INTEGER NOT NULL);
INSERT INTO schema_version VALUES ('objects', 1);
CREATE TABLE buckets(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, account TEXT NOT NULL, region TEXT NOT NULL,
  created INTEGER NOT NULL);
CREATE TABLE bucket_settings(bucket INTEGER NOT NULL, kind TEXT NOT NULL, value BLOB NOT NULL,
  PRIMARY KEY(bucket, kind)) WITHOUT ROWID;
CREATE TABLE objects(bucket INTEGER NOT NULL, key BLOB NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
  etag TEXT NOT NULL, storage_class TEXT NOT NULL, checksum TEXT NOT NULL, body INTEGER NOT NULL,
  properties BLOB NOT NULL, tags BLOB, parts BLOB, PRIMARY KEY(bucket, key)) WITHOUT ROWID;
CREATE TABLE bodies(id INTEGER PRIMARY KEY, bytes BLOB);
CREATE TABLE uploads(bucket INTEGER NOT NULL, key BLOB NOT NULL, id TEXT NOT NULL, started INTEGER NOT NULL,
  storage_class TEXT NOT NULL, checksum TEXT NOT NULL, properties BLOB NOT NULL, tags BLOB,
  PRIMARY KEY(bucket, key, id)) WITHOUT ROWID;
CREATE TABLE parts(upload TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
  etag TEXT NOT NULL, checksum TEXT NOT NULL, body INTEGER NOT NULL, PRIMARY KEY(upload, number)) WITHOUT ROWID;
INSERT INTO buckets VALUES (1, 'old', '123456789012', 'us-east-1', 7);
INSERT INTO bucket_settings VALUES (1, 'object-lock', x'7b7d'), (1, 'tags', x'');
INSERT INTO bodies VALUES (40, x'6f6c64');
INSERT INTO objects VALUES (1, x'6b', 3, 7, 'e', 'STANDARD', '', 40, x'', NULL, NULL);
)sql";

TEST_F(VersionsTest, ReadsAndVersionsAFolderOfTheFormerSchema) {
  ledger_.reset();
  fs::remove(file());
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, kFormer, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
  open();
  auto opened = ObjectStore::open(folder_->path() / "objects", *ledger_);
  ASSERT_TRUE(opened);
  const auto& store = *opened;
  auto found = store->find("old", "k", ObjectStore::Want::kBytes);
  ASSERT_TRUE(found && found->object);
  EXPECT_EQ(found->object->bytes, "old");
  EXPECT_EQ(found->bucket->versioning, Versioning::kNever);
  EXPECT_TRUE(found->bucket->has("object-lock"));
  EXPECT_TRUE(found->bucket->has("tags"));
  EXPECT_FALSE(found->bucket->has("encryption"));
  put("k", "v1");
  EXPECT_THAT(list(), ElementsAre("k v1*", "k "));
  found = store->find_version("old", "k", "", ObjectStore::Want::kBytes);
  ASSERT_TRUE(found && found->object);
  EXPECT_EQ(found->object->bytes, "old");
}

}  // namespace
}  // namespace sagelet::storage
