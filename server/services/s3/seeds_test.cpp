#include "server/services/s3/seeds.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

namespace sagelet::s3 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Want = storage::ObjectStore::Want;
using Names = std::vector<std::string>;

class SeedFolderTest : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(make_folders((home_.path() / name).parent_path()));
    ASSERT_TRUE(write_file(home_.path() / name, bytes));
  }
  /// As changed long ago: what was read of such a folder is not read again.
  static void age(const fs::path& path) {
    const timespec old[] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), old, 0), 0);
  }
  Names names(storage::ListQuery query = {}) {
    const auto page = seed_.list(query);
    Names out;
    for (const auto& object : page->objects) out.push_back(object.key);
    out.insert(out.end(), page->common_prefixes.begin(), page->common_prefixes.end());
    return out;
  }
  std::string etag(const std::string& key) {
    const auto found = seed_.find(key, Want::kRecord);
    return found && *found ? (*found)->row.etag : "none";
  }
  /// A change may be seen a moment late, never later than that.
  template <class Check>
  static bool soon(Check check) {
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
         std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(std::chrono::milliseconds(1)))
      if (check()) return true;
    return false;
  }

  TempFolder home_ = *TempFolder::make(fs::temp_directory_path(), "seed-");
  SeedFolder seed_{"seed", home_.path()};
};

TEST_F(SeedFolderTest, FilesThatComeChangeAndGoAreSeen) {
  put("a", "1");
  put("deep/er/b", "2");
  age(home_.path());
  EXPECT_THAT(names(), ElementsAre("a", "deep/er/b"));
  const auto before = etag("a");
  put("a", "2");  // as long as before
  EXPECT_TRUE(soon([&] { return etag("a") != before && etag("a") == etag("deep/er/b"); }));
  put("deep/er/c", "3");
  put("new/d", "4");
  EXPECT_TRUE(soon([&] { return names() == Names{"a", "deep/er/b", "deep/er/c", "new/d"}; }));
  fs::remove(home_.path() / "a");
  EXPECT_EQ(etag("a"), "none");  // at once
  fs::remove_all(home_.path() / "deep");
  EXPECT_TRUE(soon([&] { return names() == Names{"new/d"}; }));
  fs::rename(home_.path() / "new", home_.path() / "newer");
  EXPECT_TRUE(soon([&] { return names() == Names{"newer/d"}; }));
}

TEST_F(SeedFolderTest, AFolderThatBecomesALinkOrAFileIsNotFollowed) {
  put("in/a", "1");
  put("target/b", "2");
  EXPECT_THAT(names(), ElementsAre("in/a", "target/b"));
  fs::remove_all(home_.path() / "in");
  fs::create_symlink(home_.path() / "target", home_.path() / "in");
  EXPECT_TRUE(soon([&] { return names() == Names{"target/b"}; }));
  fs::remove_all(home_.path() / "target");
  put("target", "3");
  EXPECT_TRUE(soon([&] { return names() == Names{"target"}; }));
}

TEST_F(SeedFolderTest, PagesGoOnWhereTheLastEnded) {
  for (const char* name : {"a/1", "a/2", "b", "c/1", "d"}) put(name, "x");
  Names seen;
  storage::ListQuery query{.prefix = "", .delimiter = "/", .after = "", .limit = 1};
  for (bool more = true; more && seen.size() < 10;) {
    const auto page = seed_.list(query);
    ASSERT_TRUE(page);
    seen.push_back(page->last);
    query.after = page->last;
    more = page->truncated;
  }
  EXPECT_THAT(seen, ElementsAre("a/", "b", "c/", "d"));
  EXPECT_THAT(names({.prefix = "a/", .delimiter = "", .after = "a/1", .limit = 10}), ElementsAre("a/2"));
  EXPECT_THAT(names({.prefix = "b", .delimiter = "", .after = "a/1", .limit = 10}), ElementsAre("b"));
  EXPECT_THAT(names({.prefix = "", .delimiter = "", .after = "", .limit = 0}), IsEmpty());
}

}  // namespace
}  // namespace sagelet::s3
