#include "server/storage/recent_objects.hpp"

#include "gtest/gtest.h"

namespace sagelet::storage {
namespace {

using Want = ObjectStore::Want;

ObjectStore::Found object(const std::string& key, std::string bytes) {
  ObjectStore::Found found{Bucket{.id = 1, .name = "bucket", .account = "1", .region = "r", .created = {}},
                           OpenObject()};
  found.object->row.key = key;
  found.object->row.size = bytes.size();
  found.object->bytes = std::move(bytes);
  found.object->in_memory = true;
  return found;
}

class RecentObjectsTest : public testing::Test {
 protected:
  void keep(const std::string& key, std::string bytes) {
    recent.keep(*recent.version(), object(key, std::move(bytes)), Want::kBytes);
  }
  bool has(std::string_view key) { return recent.find("bucket", key, Want::kBytes).has_value(); }
  RecentObjects recent;
};

TEST_F(RecentObjectsTest, GiveWhatWasKept) {
  keep("k", "bytes");
  const auto found = recent.find("bucket", "k", Want::kBytes);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->object->bytes, "bytes");
  EXPECT_EQ(found->bucket->id, 1);
  EXPECT_FALSE(recent.find("other", "k", Want::kBytes));
  EXPECT_FALSE(has("K"));
}

TEST_F(RecentObjectsTest, GiveARecordWithoutItsBytes) {
  keep("k", "bytes");
  const auto found = recent.find("bucket", "k", Want::kRecord);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->object->row.size, 5u);
  EXPECT_FALSE(found->object->in_memory);
}

TEST_F(RecentObjectsTest, GiveARecordThatWasReadAloneToThoseAloneWhoWantNoMore) {
  auto found = object("k", "");
  found.object->in_memory = false;
  found.object->row.size = 1'000'000;
  found.object->parts.push_back({1, 1'000'000, 9, {}});
  recent.keep(*recent.version(), found, Want::kRecord);
  const auto record = recent.find("bucket", "k", Want::kRecord);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->object->row.size, 1'000'000u);
  EXPECT_EQ(record->object->parts.size(), 1u);
  EXPECT_FALSE(has("k"));
  keep("k", "bytes");
  EXPECT_TRUE(has("k"));
}

TEST_F(RecentObjectsTest, GiveNothingWhileAChangeIsOnItsWayNorAfterIt) {
  keep("k", "bytes");
  recent.changes().begin();
  EXPECT_FALSE(has("k"));
  EXPECT_FALSE(recent.version());
  recent.changes().begin();
  recent.changes().end();
  EXPECT_FALSE(has("k")) << "another one is still on its way";
  recent.changes().end();
  EXPECT_FALSE(has("k"));
  keep("k", "new");
  EXPECT_TRUE(has("k"));
}

TEST_F(RecentObjectsTest, IgnoreAQueryThatBeganBeforeAChange) {
  const auto version = *recent.version();
  recent.changes().begin();
  recent.changes().end();
  recent.keep(version, object("k", "old"), Want::kBytes);
  EXPECT_FALSE(has("k"));
}

TEST_F(RecentObjectsTest, IgnoreWhatIsLargeOrInAFile) {
  keep("large", std::string(RecentObjects::kLargest + 1, 'x'));
  EXPECT_FALSE(has("large"));
  auto in_file = object("file", "");
  in_file.object->in_memory = false;
  recent.keep(*recent.version(), in_file, Want::kBytes);
  EXPECT_FALSE(has("file"));
  keep("limit", std::string(RecentObjects::kLargest, 'x'));
  EXPECT_TRUE(has("limit"));
}

}  // namespace
}  // namespace sagelet::storage
