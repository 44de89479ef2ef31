#include "base/fs.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace sagelet {
namespace {

class FsTest : public ::testing::Test {
 protected:
  FsTest() : folder_(TempFolder::make(fs::temp_directory_path(), "fs-test-").value()) {}
  fs::path at(std::string_view name) const { return folder_.path() / name; }
  std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }
  TempFolder folder_;
};

TEST_F(FsTest, ReadsBackWhatItWrote) {
  const std::string bytes("a\0b\n\xff", 5);
  ASSERT_TRUE(write_file(at("f"), bytes, true, 0600));
  EXPECT_EQ(read_file(at("f")).value(), bytes);
  struct stat info;
  ASSERT_EQ(::stat(at("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(entries(), 1u) << "no temporary is left";
}

TEST_F(FsTest, ReadsFilesThatHaveNoLength) {
  EXPECT_FALSE(read_file("/proc/self/stat").value().empty());
}

TEST_F(FsTest, KeepsTheOldFileWhenTheNewCannotBeWritten) {
  ASSERT_TRUE(make_folders(at("taken")));
  ASSERT_TRUE(write_file(at("taken/inside"), "x"));
  EXPECT_FALSE(write_file(at("taken"), "y"));
  EXPECT_EQ(entries(), 1u);
  EXPECT_FALSE(write_file(at("missing/f"), "y"));
}

TEST_F(FsTest, LetsManyThreadsReplaceOneFile) {
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (char c = 'a'; c < 'e'; ++c)
    threads.emplace_back([&, c] {
      for (int i = 0; i < 50; ++i)
        if (!write_file(at("f"), std::string(5000, c))) ++failed;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  const std::string bytes = read_file(at("f")).value();
  EXPECT_EQ(bytes, std::string(5000, bytes[0]));
}

TEST_F(FsTest, NamesThePathInItsErrors) {
  const auto missing = read_file(at("missing"));
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().is(ErrorKind::kNotFound));
  EXPECT_NE(missing.error().message().find("missing"), std::string::npos);
  EXPECT_FALSE(read_file(folder_.path())) << "a folder is no file";
}

TEST_F(FsTest, ReadsNoMoreThanItsLimit) {
  ASSERT_TRUE(write_file(at("f"), "12345"));
  EXPECT_TRUE(read_file(at("f"), 5));
  const auto over = read_file(at("f"), 4);
  ASSERT_FALSE(over);
  EXPECT_TRUE(over.error().is(ErrorKind::kNoSpace));
}

TEST_F(FsTest, MakesFoldersAsDeepAsNeeded) {
  ASSERT_TRUE(make_folders(at("a/b/c")));
  ASSERT_TRUE(make_folders(at("a/b/c/"))) << "again is fine";
  EXPECT_TRUE(fs::is_directory(at("a/b/c")));
  ASSERT_TRUE(write_file(at("file"), ""));
  EXPECT_FALSE(make_folders(at("file")));
  EXPECT_FALSE(make_folders(at("file/below")));
}

TEST_F(FsTest, RemovesATreeButNotWhatLinksInItPointAt) {
  ASSERT_TRUE(make_folders(at("outside")));
  ASSERT_TRUE(write_file(at("outside/kept"), "x"));
  ASSERT_TRUE(make_folders(at("tree/deep/er")));
  ASSERT_TRUE(write_file(at("tree/deep/file"), "x"));
  fs::create_directory_symlink(at("outside"), at("tree/link"));
  fs::create_directory_symlink(at("outside"), at("tree/deep/er/link"));
  fs::create_symlink(at("nowhere"), at("tree/dangling"));
  ASSERT_TRUE(remove_tree(at("tree")));
  EXPECT_FALSE(fs::exists(at("tree")));
  EXPECT_TRUE(fs::exists(at("outside/kept")));
}

TEST_F(FsTest, RemovesALinkAndNotItsTarget) {
  ASSERT_TRUE(make_folders(at("outside/kept")));
  fs::create_directory_symlink(at("outside"), at("link"));
  ASSERT_TRUE(remove_tree(at("link")));
  EXPECT_FALSE(fs::is_symlink(at("link")));
  EXPECT_TRUE(fs::exists(at("outside/kept")));
}

TEST_F(FsTest, RemovesFilesAndWhatIsNotThere) {
  ASSERT_TRUE(write_file(at("f"), "x"));
  EXPECT_TRUE(remove_tree(at("f")));
  EXPECT_TRUE(remove_tree(at("f")));
}

TEST_F(FsTest, RemovesReadOnlyAndUnreadableFolders) {
  ASSERT_TRUE(make_folders(at("tree/closed/inner")));
  ASSERT_TRUE(write_file(at("tree/closed/inner/f"), "x"));
  ASSERT_EQ(::chmod(at("tree/closed/inner").c_str(), 0), 0);
  ASSERT_EQ(::chmod(at("tree/closed").c_str(), 0555), 0);
  // Permissions do not hold root back: a child that is somebody else does the removing.
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::geteuid() == 0) {
      if (::chown(at("tree").c_str(), 65534, 65534) || ::chown(at("tree/closed").c_str(), 65534, 65534) ||
          ::chown(at("tree/closed/inner").c_str(), 65534, 65534) ||
          ::chown(folder_.path().c_str(), 65534, 65534) || ::setuid(65534))
        ::_exit(2);
    }
    ::_exit(remove_tree(at("tree")) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_FALSE(fs::exists(at("tree")));
}

TEST_F(FsTest, RemovesATreeDeeperThanAPathMayBeLong) {
  UniqueFd folder = open_file(folder_.path(), O_RDONLY | O_DIRECTORY).value();
  const std::string name(200, 'd');
  for (int depth = 0; depth < 100; ++depth) {
    ASSERT_EQ(::mkdirat(folder.get(), name.c_str(), 0755), 0);
    folder = UniqueFd(::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(folder);
  }
  EXPECT_TRUE(remove_tree(at(name)));
  EXPECT_EQ(entries(), 0u);
}

TEST_F(FsTest, MakesAFileWithoutAName) {
  const auto file = unnamed_file(folder_.path());
  ASSERT_TRUE(file);
  ASSERT_TRUE(pwrite_all(file->get(), "bytes", 3));
  std::string back(8, 'x');
  ASSERT_TRUE(pread_all(file->get(), back, 0));
  EXPECT_EQ(back, std::string("\0\0\0bytes", 8));
  EXPECT_EQ(entries(), 0u);
  EXPECT_FALSE(unnamed_file(at("missing")));
}

TEST_F(FsTest, SaysThatAFileIsShorterThanItShouldBe) {
  ASSERT_TRUE(write_file(at("f"), "123"));
  const auto file = open_file(at("f"), O_RDONLY);
  std::string buffer(4, ' ');
  const auto status = pread_all(file->get(), buffer, 0);
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.error().is(ErrorKind::kCorrupt));
}

TEST_F(FsTest, TemporaryFoldersGoWithTheirOwner) {
  fs::path path;
  {
    auto made = TempFolder::make(folder_.path(), "t-");
    path = made->path();
    ASSERT_TRUE(write_file(path / "f", "x"));
    TempFolder moved = std::move(*made);
    EXPECT_TRUE(fs::exists(path));
  }
  EXPECT_FALSE(fs::exists(path));
  path = TempFolder::make(folder_.path(), "t-")->release();
  EXPECT_TRUE(fs::exists(path)) << "let go, it stays";
}

TEST(Trimmed, TakesBlanksOffBothEnds) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed(" \n"), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(UniqueFd, ClosesOnceAndIsCloseOnExec) {
  auto pipe = make_pipe();
  const int fd = pipe->write.get();
  EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC);
  UniqueFd moved = std::move(pipe->write);
  EXPECT_FALSE(pipe->write);
  moved.reset();
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

}  // namespace
}  // namespace sagelet
