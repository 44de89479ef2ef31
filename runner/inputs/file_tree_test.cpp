#include "runner/inputs/file_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/fs.hpp"
#include "fmt/format.h"

namespace sagelet::runner {
namespace {

using testing::HasSubstr;

class FileTreeTest : public testing::Test {
 protected:
  Result<FileTree> tree_of(const std::vector<std::string>& names) {
    auto list = ItemList::make(folder_.path());
    EXPECT_TRUE(list);
    for (const std::string& name : names) EXPECT_TRUE(list->add({{"b", "key/" + name}, name, name.size()}));
    EXPECT_TRUE(list->close());
    return FileTree::over(std::move(*list));
  }

  /// All that is below `folder`, each file by lookups from the root, asked for in pieces of `room` names.
  static void walk(const FileTree& tree, FileTree::Ino folder, const std::string& path, std::size_t room,
                   std::map<std::string, std::uint64_t>& files) {
    std::map<std::string, FileTree::Node> found;
    std::uint64_t from = 0;
    for (bool more = true; more;) {
      more = false;
      std::size_t left = room;
      EXPECT_TRUE(tree.list(folder, from,
                            [&](const std::string& name, const FileTree::Node& node, std::uint64_t next) {
                              if (left-- == 0) return !(more = true);
                              EXPECT_TRUE(found.emplace(name, node).second) << "twice: " << name;
                              from = next;
                              return true;
                            }));
    }
    for (const auto& [name, node] : found) {
      const auto looked = tree.find(folder, name);
      ASSERT_TRUE(looked && *looked) << path + name;
      EXPECT_EQ((*looked)->ino, node.ino);
      EXPECT_EQ((*tree.at(node.ino))->folder, node.folder);
      if (node.folder)
        walk(tree, node.ino, path + name + "/", room, files);
      else
        files[path + name] = node.size;
    }
  }

  static std::map<std::string, std::uint64_t> files_of(const FileTree& tree, std::size_t room = 1000) {
    std::map<std::string, std::uint64_t> files;
    walk(tree, FileTree::kRoot, "", room, files);
    return files;
  }

  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "file-tree-");
};

TEST_F(FileTreeTest, ShowsEveryNameOnceHoweverItIsAskedFor) {
  std::vector<std::string> names{"a", "a-b/c", "a.txt", "b/a/x", "b/a/y", "b/a-/z", "b/c", "z"};
  for (int i = 0; i < 300; ++i) names.push_back(fmt::format("many/{:03}/file", i / 2) + (i % 2 ? "2" : "1"));
  std::map<std::string, std::uint64_t> wanted;
  for (const std::string& name : names) wanted[name] = name.size();
  const auto tree = tree_of(names);  // not in order: "b/a-/z" and "many/..."
  ASSERT_TRUE(tree);
  for (const std::size_t room : {1u, 2u, 7u, 1000u}) EXPECT_EQ(files_of(*tree, room), wanted);
}

TEST_F(FileTreeTest, FindsNothingThatIsNotThere) {
  const auto tree = tree_of({"a/b/c", "a/b/d", "e"});
  ASSERT_TRUE(tree);
  const auto folder = *tree->find(FileTree::kRoot, "a");
  ASSERT_TRUE(folder && folder->folder);
  for (const char* name : {"", "b", "ee", "A", "f"}) EXPECT_FALSE(*tree->find(FileTree::kRoot, name)) << name;
  EXPECT_FALSE(*tree->find(folder->ino, "c"));
  EXPECT_FALSE(*tree->at(1234567 << 12));
  EXPECT_FALSE(*tree->at(2));
  EXPECT_FALSE(tree->item_of(folder->ino));
  EXPECT_FALSE(tree->list((*tree->find(FileTree::kRoot, "e"))->ino, 0,
                          [](const std::string&, const FileTree::Node&, std::uint64_t) { return true; }));
}

TEST_F(FileTreeTest, KnowsWhereAFileComesFrom) {
  const auto tree = tree_of({"d/f"});
  ASSERT_TRUE(tree);
  const auto folder = *tree->find(FileTree::kRoot, "d");
  const auto item = tree->item_of((*tree->find(folder->ino, "f"))->ino);
  ASSERT_TRUE(item);
  EXPECT_EQ(item->from.uri(), "s3://b/key/d/f");
}

TEST_F(FileTreeTest, OneNameOfTwoKeysIsShownOnce) {
  const auto tree = tree_of({"x/a", "x/a", "y"});
  ASSERT_TRUE(tree);
  EXPECT_EQ(files_of(*tree), (std::map<std::string, std::uint64_t>{{"x/a", 3}, {"y", 1}}));
}

TEST_F(FileTreeTest, ANameCannotBeTheFolderOfAnother) {
  const auto tree = tree_of({"a", "a-b", "a.b/c", "a/b"});
  ASSERT_FALSE(tree);
  EXPECT_THAT(tree.error().message(), HasSubstr("is also the folder of another, of a/b"));
  EXPECT_TRUE(tree_of({"a", "a-b", "ab/c", "a.b/c"}));
}

TEST_F(FileTreeTest, NothingAtAllIsAnEmptyFolder) {
  const auto tree = tree_of({});
  ASSERT_TRUE(tree);
  EXPECT_TRUE(files_of(*tree).empty());
}

TEST_F(FileTreeTest, ARecordFileKeepsMoreThanItsBuffers) {
  auto file = RecordFile::make(folder_.path());
  ASSERT_TRUE(file);
  for (int i = 0; i < 20000; ++i)
    ASSERT_TRUE(file->add(std::string(static_cast<std::size_t>(i % 23), 'x') + std::to_string(i)));
  ASSERT_TRUE(file->close());
  EXPECT_EQ(file->size(), 20000u);
  EXPECT_EQ(*file->at(0), "0");
  EXPECT_EQ(*file->at(19999), std::string(19999 % 23, 'x') + "19999");
  EXPECT_FALSE(file->at(20000));
  ASSERT_TRUE(
      file->sort([](std::string_view one, std::string_view other) { return one.size() > other.size(); }));
  EXPECT_EQ(*file->at(0), std::string(22, 'x') + "10004");
  EXPECT_EQ(*file->at(19999), "0");
}

}  // namespace
}  // namespace sagelet::runner
