#include "server/storage/listing.hpp"

#include "base/fs.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/storage/object_rows.hpp"

namespace sagelet::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ListingTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = TempFolder::make(fs::temp_directory_path(), "listing");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    auto opened = Ledger::open(folder_->path() / "ledger.db", Durability::kNone);
    ASSERT_TRUE(opened) << opened.error().message();
    ledger_ = std::move(*opened);
  }

  void put(const std::vector<std::string>& keys, std::int64_t bucket = 1) {
    ASSERT_TRUE(ledger_->commit_and_wait([&](Connection& db) -> Status {
      Freed freed;
      for (const auto& key : keys) {
        ObjectRow row;
        row.key = key;
        TRY(put_object(db, bucket, row, freed));
      }
      return {};
    }));
  }

  ListPage list(const ListQuery& query) {
    ListPage page;
    const auto done = ledger_->read([&](Connection& db) -> Status {
      TRY(page, list_objects(db, 1, query));
      return {};
    });
    EXPECT_TRUE(done) << done.error().message();
    return page;
  }

  static std::vector<std::string> keys_of(const ListPage& page) {
    std::vector<std::string> keys;
    for (const auto& object : page.objects) keys.push_back(object.key);
    return keys;
  }

  /// Everything, a page of `limit` at a time, groups in <>.
  std::vector<std::string> walk(ListQuery query, std::size_t limit) {
    std::vector<std::string> all;
    query.limit = limit;
    for (int pages = 0; pages < 100; ++pages) {
      const auto page = list(query);
      EXPECT_LE(page.objects.size() + page.common_prefixes.size(), limit);
      for (const auto& key : keys_of(page)) all.push_back(key);
      for (const auto& group : page.common_prefixes) all.push_back("<" + group + ">");
      if (!page.truncated) return all;
      query.after = page.last;
    }
    ADD_FAILURE() << "the pages never end";
    return all;
  }

 private:
  std::optional<TempFolder> folder_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(ListingTest, OrdersKeysByTheirBytes) {
  put({"b", "a", "B", "\xc3\xa9", "a/b", "a b", "/x", "a//b"});
  EXPECT_THAT(keys_of(list({})), ElementsAre("/x", "B", "a", "a b", "a//b", "a/b", "b", "\xc3\xa9"));
}

TEST_F(ListingTest, SeesOneBucketOnly) {
  put({"mine"});
  put({"other"}, 2);
  EXPECT_THAT(keys_of(list({})), ElementsAre("mine"));
}

TEST_F(ListingTest, GroupsByDelimiter) {
  put({"a", "dir/1", "dir/2", "dir/sub/3", "dis", "e/"});
  const auto page = list({.prefix = "", .delimiter = "/", .after = ""});
  EXPECT_THAT(keys_of(page), ElementsAre("a", "dis"));
  EXPECT_THAT(page.common_prefixes, ElementsAre("dir/", "e/"));
  const auto inside = list({.prefix = "dir/", .delimiter = "/", .after = ""});
  EXPECT_THAT(keys_of(inside), ElementsAre("dir/1", "dir/2"));
  EXPECT_THAT(inside.common_prefixes, ElementsAre("dir/sub/"));
}

TEST_F(ListingTest, PagesOfAnySizeGiveTheSame) {
  put({"a", "b/1", "b/2", "b/3", "c", "d/1", "e/x/1", "e/y", "f"});
  for (std::size_t limit = 1; limit < 8; ++limit) {
    EXPECT_THAT(walk({.prefix = "", .delimiter = "", .after = ""}, limit),
                ElementsAre("a", "b/1", "b/2", "b/3", "c", "d/1", "e/x/1", "e/y", "f"));
    EXPECT_THAT(walk({.prefix = "", .delimiter = "/", .after = ""}, limit),
                testing::UnorderedElementsAre("a", "<b/>", "c", "<d/>", "<e/>", "f"));
  }
}

TEST_F(ListingTest, CountsAGroupAsOneOfThePage) {
  put({"a/1", "a/2", "b/1"});
  const auto page = list({.prefix = "", .delimiter = "/", .after = "", .limit = 1});
  EXPECT_THAT(page.common_prefixes, ElementsAre("a/"));
  EXPECT_TRUE(page.truncated);
  EXPECT_EQ(page.last, "a/");
}

TEST_F(ListingTest, AFullPageThatIsTheLastIsNotTruncated) {
  put({"a", "b"});
  EXPECT_FALSE(list({.prefix = "", .delimiter = "", .after = "", .limit = 2}).truncated);
  EXPECT_TRUE(list({.prefix = "", .delimiter = "", .after = "", .limit = 1}).truncated);
}

TEST_F(ListingTest, APageOfNothingIsEmptyAndNotTruncated) {
  put({"a"});
  const auto page = list({.prefix = "", .delimiter = "", .after = "", .limit = 0});
  EXPECT_THAT(keys_of(page), IsEmpty());
  EXPECT_FALSE(page.truncated);
}

TEST_F(ListingTest, StartsBehindAKeyInTheMiddleOfAGroup) {
  put({"a/1", "a/2", "b"});
  const auto page = list({.prefix = "", .delimiter = "/", .after = "a/1"});
  EXPECT_THAT(page.common_prefixes, ElementsAre("a/"));
  EXPECT_THAT(keys_of(page), ElementsAre("b"));
}

TEST_F(ListingTest, StartsBeforeThePrefixWithoutHarm) {
  put({"a", "p/1", "p/2", "z"});
  EXPECT_THAT(keys_of(list({.prefix = "p/", .delimiter = "", .after = "b"})), ElementsAre("p/1", "p/2"));
  EXPECT_THAT(keys_of(list({.prefix = "p/", .delimiter = "", .after = "q"})), IsEmpty());
}

TEST_F(ListingTest, TakesDelimitersOfSeveralBytes) {
  put({"a--b", "a--c", "a-d"});
  const auto page = list({.prefix = "", .delimiter = "--", .after = ""});
  EXPECT_THAT(page.common_prefixes, ElementsAre("a--"));
  EXPECT_THAT(keys_of(page), ElementsAre("a-d"));
}

TEST(AfterPrefix, IsAboveEverythingUnderThePrefix) {
  EXPECT_EQ(after_prefix("a/"), "a0");
  EXPECT_EQ(after_prefix("a\xff"), "b");
  EXPECT_EQ(after_prefix("\xff\xff"), "");
  EXPECT_EQ(after_prefix(""), "");
}

}  // namespace
}  // namespace sagelet::storage
