#include "server/upkeep/scrub.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/test_folder.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/upkeep/fixture_for_tests.hpp"
#include "server/upkeep/upkeep.hpp"

namespace sagelet::upkeep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ScrubTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(store.failure, "");
    ASSERT_TRUE(store.make_bucket("plain"));
    ASSERT_TRUE(store.make_bucket("kept", storage::Versioning::kEnabled));
    ASSERT_TRUE(store.put("plain", "empty", ""));
    ASSERT_TRUE(store.put("plain", "small", filler(1000, 1)));
    ASSERT_TRUE(store.put("plain", "large", filler(200'000, 2)));
    ASSERT_TRUE(store.put("kept", "key", filler(100'000, 3), "v1"));
    ASSERT_TRUE(store.put("kept", "key", filler(2000, 4), "v2"));
    ASSERT_TRUE(store.begin_upload("plain", "joined", "u1"));
    ASSERT_TRUE(store.put_part("u1", 1, filler(70'000, 5)));
    ASSERT_TRUE(store.put_part("u1", 2, filler(500, 6)));
    ASSERT_TRUE(store.complete_later("plain", "joined", "u1").wait());
    ASSERT_TRUE(store.begin_upload("plain", "waiting", "u2"));
    ASSERT_TRUE(store.put_part("u2", 7, filler(90'000, 7)));
  }

  /// "bucket/key version upload part: problem" of all findings, sorted.
  std::vector<std::string> findings(Scrub::Users users = Scrub::Users::kAlone) {
    Scrub scrub(*store.objects, users);
    const auto done = scrub.run();
    EXPECT_TRUE(done) << done.error().message();
    report = scrub.report();
    EXPECT_EQ(report.problems, report.findings.size());
    std::vector<std::string> out;
    for (const auto& one : report.findings)
      out.push_back(fmt::format("{}/{} {} {} {}: {}", one.bucket, one.key, one.version, one.upload, one.part,
                                one.problem));
    std::sort(out.begin(), out.end());
    return out;
  }

  storage::OpenObject object(const std::string& bucket, const std::string& key,
                             const std::string& version = {}) {
    auto found = store.objects->find_version(bucket, key, version, storage::ObjectStore::Want::kRecord);
    EXPECT_TRUE(found && found->object) << key;
    return std::move(*found->object);
  }
  fs::path file_of(const std::string& bucket, const std::string& key, const std::string& version = {},
                   std::size_t part = 0) {
    const auto it = object(bucket, key, version);
    return store.objects->path_of(it.parts.empty() ? it.row.body : it.parts[part].body);
  }
  static void flip(const fs::path& file, std::uint64_t at) {
    const auto fd = open_file(file, O_RDWR);
    ASSERT_TRUE(fd);
    char byte = 0;
    ASSERT_EQ(::pread(fd->get(), &byte, 1, static_cast<off_t>(at)), 1);
    byte = static_cast<char>(byte ^ 4);
    ASSERT_EQ(::pwrite(fd->get(), &byte, 1, static_cast<off_t>(at)), 1);
  }
  Status change_ledger(const char* sql) {
    return store.ledger->commit_and_wait([=](Connection& db) { return db.prepare(sql).run(); });
  }

  TestFolder folder;
  TestStore store{folder.path()};
  ScrubReport report;
};

TEST_F(ScrubTest, FindsNothingWhereNothingIsWrong) {
  EXPECT_THAT(findings(), IsEmpty());
  EXPECT_EQ(report.objects, 7u);
  EXPECT_EQ(report.bytes, 1000u + 200'000 + 100'000 + 2000 + 70'500 + 90'000);
  EXPECT_THAT(findings(Scrub::Users::kOthers), IsEmpty());
}

TEST_F(ScrubTest, FindsAFlippedByteInAFile) {
  flip(file_of("plain", "large"), 150'000);
  EXPECT_THAT(findings(), ElementsAre(testing::AllOf(HasSubstr("plain/large   0: its ETag is"),
                                                     HasSubstr(", its SHA256 is"))));
}

TEST_F(ScrubTest, FindsAFlippedByteInABodyInTheLedger) {
  ASSERT_TRUE(
      change_ledger("UPDATE bodies SET bytes = CAST(x'00' || substr(bytes, 2) AS BLOB) "
                    "WHERE id = (SELECT body FROM objects WHERE key = CAST('small' AS BLOB))"));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("plain/small   0: its ETag is")));
}

TEST_F(ScrubTest, LeavesTheETagsOfAnotherStoresObjectsToThatStore) {
  ASSERT_TRUE(store.make_bucket("upstream/theirs"));
  ASSERT_TRUE(store.put("upstream/theirs", "cached", filler(1000, 8)));
  ASSERT_TRUE(
      change_ledger("UPDATE objects SET etag = '0123456789abcdef0123456789abcdef' "
                    "WHERE key = CAST('cached' AS BLOB)"));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(ScrubTest, FindsAFlippedByteInAnOlderVersion) {
  flip(file_of("kept", "key", "v1"), 0);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("kept/key v1  0: its ETag is")));
}

TEST_F(ScrubTest, FindsAFlippedByteInAPartAndSaysWhichPart) {
  flip(file_of("plain", "joined", {}, 0), 69'999);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("plain/joined   1: its SHA256 is")));
}

TEST_F(ScrubTest, FindsAFlippedByteInAnObjectOfPartsWithoutChecksums) {
  auto it = object("plain", "joined");
  for (auto& part : it.parts) part.checksum.clear();
  ASSERT_TRUE(store.ledger->commit_and_wait([&](Connection& db) -> Status {
    return db.prepare("UPDATE objects SET checksum = '', parts = ? WHERE length(parts) > 0")
        .bind_blob(1, storage::pack_parts(it.parts))
        .run();
  }));
  EXPECT_THAT(findings(), IsEmpty());
  flip(store.objects->path_of(it.parts[0].body), 3);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("plain/joined   0: its ETag is")));
}

TEST_F(ScrubTest, FindsAFlippedByteInAPartOfAnUpload) {
  std::vector<storage::PartRow> parts;
  ASSERT_TRUE(store.ledger->read([&](Connection& db) -> Status {
    TRY(parts, storage::parts_of(db, "u2", 0, 10));
    return {};
  }));
  flip(store.objects->path_of(parts.at(0).body), 10);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("plain/waiting  u2 7: its SHA256 is")));
}

TEST_F(ScrubTest, FindsATruncatedFile) {
  ASSERT_EQ(::truncate(file_of("plain", "large").c_str(), 199'999), 0);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("plain/large   0: it has 199999 bytes of 200000")));
}

TEST_F(ScrubTest, FindsAMissingFileAndAMissingPart) {
  fs::remove(file_of("plain", "large"));
  fs::remove(file_of("plain", "joined", {}, 0));
  EXPECT_THAT(findings(),
              ElementsAre(testing::AllOf(HasSubstr("plain/joined   1: its file"), HasSubstr("is missing")),
                          testing::AllOf(HasSubstr("plain/large   0: its file"), HasSubstr("is missing"))));
}

TEST_F(ScrubTest, FindsARecordWithoutBytes) {
  ASSERT_TRUE(
      change_ledger("DELETE FROM bodies WHERE id = "
                    "(SELECT body FROM objects WHERE key = CAST('small' AS BLOB))"));
  EXPECT_THAT(findings(), ElementsAre("plain/small   0: its bytes are gone from the ledger"));
}

TEST_F(ScrubTest, FindsAFileOfNobody) {
  const auto stray = store.objects->path_of(0x1234);
  ASSERT_TRUE(make_folders(stray.parent_path()));
  ASSERT_TRUE(write_file(stray, "whose?"));
  for (const auto users : {Scrub::Users::kAlone, Scrub::Users::kOthers})
    EXPECT_THAT(findings(users),
                ElementsAre(testing::AllOf(HasSubstr("34/0000000000001234 belongs to no object"))));
}

TEST_F(ScrubTest, FindsBytesOfNobodyInTheLedger) {
  ASSERT_TRUE(change_ledger("DELETE FROM objects WHERE key = CAST('small' AS BLOB)"));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("in the ledger belongs to no object")));
  EXPECT_THAT(findings(Scrub::Users::kOthers), IsEmpty()) << "it may have just been replaced";
}

TEST_F(ScrubTest, FindsNothingWhileObjectsComeAndGo) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (unsigned i = 0; !stop; ++i) {
      EXPECT_TRUE(store.put("plain", fmt::format("busy{}", i % 7), filler(i % 3 == 0 ? 100 : 40'000, i)));
      EXPECT_TRUE(store.put("kept", "busy", filler(30'000, i), fmt::format("b{}", i)));
      if (i > 3) {
        EXPECT_TRUE(store.objects
                        ->commit([i](Connection& db, BodyId, Freed& freed) -> Status {
                          TRY(delete_version(db, 2, "busy", fmt::format("b{}", i - 1), freed));
                          return {};
                        })
                        .wait());
      }
    }
  });
  for (int round = 0; round < 20; ++round) EXPECT_THAT(findings(Scrub::Users::kOthers), IsEmpty());
  stop = true;
  writer.join();
}

TEST_F(ScrubTest, AServersScrubTellsItsStateAsJson) {
  Upkeep upkeep(*store.objects, folder.path());
  EXPECT_THAT(upkeep.scrub_json(), HasSubstr(R"("state":"none")"));
  fs::remove(file_of("plain", "large"));
  upkeep.start_scrub();
  while (upkeep.scrub_json().find(R"("state":"running")") != std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_THAT(upkeep.scrub_json(), HasSubstr(R"("bucket":"plain","key":"large","problem":"its file)"));
  EXPECT_THAT(upkeep.scrub_json(), HasSubstr(R"("state":"done")"));
}

}  // namespace
}  // namespace sagelet::upkeep
