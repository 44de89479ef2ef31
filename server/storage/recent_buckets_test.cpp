#include "server/storage/recent_buckets.hpp"

#include "gtest/gtest.h"

namespace sagelet::storage {
namespace {

class RecentBucketsTest : public testing::Test {
 protected:
  void keep(const std::string& name) {
    recent.keep(*recent.changes().version(), Bucket{.id = 7, .name = name, .account = "1", .created = {}});
  }
  RecentBuckets recent;
};

TEST_F(RecentBucketsTest, GiveWhatWasKept) {
  keep("bucket");
  const auto found = recent.find("bucket");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, 7);
  EXPECT_EQ(found->account, "1");
  EXPECT_FALSE(recent.find("other"));
}

TEST_F(RecentBucketsTest, GiveNothingWhileAChangeIsOnItsWayNorAfterIt) {
  keep("bucket");
  recent.changes().begin();
  EXPECT_FALSE(recent.find("bucket"));
  EXPECT_FALSE(recent.changes().version());
  recent.changes().end();
  EXPECT_FALSE(recent.find("bucket"));
  keep("bucket");
  EXPECT_TRUE(recent.find("bucket"));
}

TEST_F(RecentBucketsTest, DoNotKeepWhatWasReadBeforeAChange) {
  const auto version = *recent.changes().version();
  recent.changes().begin();
  recent.changes().end();
  recent.keep(version, Bucket{.id = 7, .name = "bucket", .created = {}});
  EXPECT_FALSE(recent.find("bucket"));
}

}  // namespace
}  // namespace sagelet::storage
