#include <gtest/gtest.h>

#include <sys/stat.h>

#include "base/child.hpp"
#include "base/fs.hpp"
#include "runner/inputs/keys.hpp"
#include "runner/steps/archive.hpp"
#include "runner/steps/execute.hpp"
#include "runner/steps/metrics.hpp"
#include "runner/steps/python.hpp"
#include "runner/steps/reserve.hpp"
#include "runner/verdict.hpp"

namespace sagelet::runner {
namespace {

TEST(LocalName, TakesTheFolderPartOfThePrefixAway) {
  EXPECT_EQ(local_name("data/train/", "data/train/x/a.csv"), "x/a.csv");
  EXPECT_EQ(local_name("data/train", "data/train/x/a.csv"), "x/a.csv");
  EXPECT_EQ(local_name("data/train.csv", "data/train.csv"), "train.csv");
  EXPECT_EQ(local_name("data/tr", "data/train/a"), "train/a");
  EXPECT_EQ(local_name("", "a/b"), "a/b");
  EXPECT_EQ(local_name("data/", "data/"), "");
}

TEST(LocalName, NeverLeadsOut) {
  EXPECT_EQ(local_name("d/", "d/../../etc/passwd"), "%2E%2E/%2E%2E/etc/passwd");
  EXPECT_EQ(local_name("d/", "d//a//./b"), "a/%2E/b");
  EXPECT_EQ(local_name("", "/abs"), "abs");
}

TEST(Metrics, LastValueOfTheFirstGroupCounts) {
  Metrics metrics(
      {{"loss", "loss=([-0-9.e]+)"}, {"acc", "acc: (\\S+)"}, {"never", "zzz(\\d)"}, {"bad", "("}});
  metrics.line("loss=0.5 acc: 0.1", 1);
  metrics.line("loss=2.5e-1 loss=9", 2);
  metrics.line("acc: nonsense", 3);
  const auto values = metrics.values();
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].value, 0.25);
  EXPECT_EQ(values[0].time_ms, 2);
  EXPECT_EQ(values[1].value, 0.1);
  EXPECT_EQ(metrics.faults().size(), 1u);
}

TEST(Metrics, APatternThatExplodesIsCutShort) {
  Metrics metrics(std::vector<MetricSpec>{{"evil", "(a+)+$"}});
  metrics.line(std::string(5000, 'a') + "b", 1);
  EXPECT_TRUE(metrics.values().empty());
}

TEST(LineCutter, GivesWholeLinesAndTheRestAtTheEnd) {
  LineCutter cutter;
  std::vector<std::string> lines;
  const auto sink = [&](std::string_view line) { lines.emplace_back(line); };
  cutter.feed("one\ntw", sink);
  cutter.feed("o\n\nthree", sink);
  cutter.end(sink);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "", "three"}));
}

TEST(LineCutter, DoesNotGatherAnEndlessLine) {
  LineCutter cutter;
  std::size_t bytes = 0, lines = 0;
  const auto sink = [&](std::string_view line) { bytes += line.size(), ++lines; };
  for (int i = 0; i < 100; ++i) cutter.feed(std::string(65536, 'x'), sink);
  cutter.end(sink);
  EXPECT_EQ(bytes, 100u * 65536);
  EXPECT_EQ(lines, 25u);
}

class ArchiveTest : public testing::Test {
 protected:
  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "archive-");
  std::string bytes_of(const std::string& name) {
    const std::string file = (folder_.path() / "out.tar.gz").string();
    EXPECT_TRUE(write_archive((folder_.path() / name).string(), file));
    return *read_file(file);
  }
};

TEST_F(ArchiveTest, EqualContentGivesEqualBytes) {
  for (const char* name : {"a", "b"}) {
    ASSERT_TRUE(make_folders(folder_.path() / name / "sub"));
    ASSERT_TRUE(write_file(folder_.path() / name / "z", "1"));
    ASSERT_TRUE(write_file(folder_.path() / name / "sub/y", "2"));
  }
  fs::last_write_time(folder_.path() / "b/z", fs::file_time_type::min());
  ::chmod((folder_.path() / "b/z").c_str(), 0600);
  EXPECT_EQ(bytes_of("a"), bytes_of("b"));
}

TEST_F(ArchiveTest, EmptyFolderGivesAnArchiveWithoutMembers) {
  ASSERT_TRUE(make_folders(folder_.path() / "e"));
  EXPECT_TRUE(names_below((folder_.path() / "e").string())->empty());
  EXPECT_TRUE(names_below((folder_.path() / "nowhere").string())->empty());
  EXPECT_LT(bytes_of("e").size(), 100u);
}

TEST_F(ArchiveTest, AFolderThatMayNotBeReadIsNamed) {
  ASSERT_TRUE(make_folders(folder_.path() / "m/closed"));
  ASSERT_TRUE(write_file(folder_.path() / "m/closed/weights", "1"));
  ::chmod(folder_.path().c_str(), 0755);
  ::chmod((folder_.path() / "m/closed").c_str(), 0);
  const uid_t we = ::geteuid();
  ASSERT_TRUE(we != 0 || ::seteuid(65534) == 0);  // root may read everything
  const auto names = names_below((folder_.path() / "m").string());
  ASSERT_TRUE(we != 0 || ::seteuid(0) == 0);
  ASSERT_FALSE(names);
  EXPECT_NE(names.error().message().find("m/closed"), std::string::npos) << names.error().message();
}

TEST_F(ArchiveTest, LeavesOutFifosAndDoesNotFollowLinks) {
  ASSERT_TRUE(make_folders(folder_.path() / "f"));
  ::mkfifo((folder_.path() / "f/fifo").c_str(), 0644);
  fs::create_symlink("/etc/passwd", folder_.path() / "f/link");
  EXPECT_LT(bytes_of("f").size(), 300u);
}

TEST(Verdict, ReasonHasAwsFormAndLength) {
  EXPECT_EQ(algorithm_error("", 1), "AlgorithmError: , exit code: 1");
  const std::string reason = algorithm_error(std::string(5000, 'x'), 137, ". hint");
  EXPECT_EQ(reason.size(), 1024u);
  EXPECT_TRUE(reason.ends_with(", exit code: 137. hint"));
  const Error missing(ErrorKind::kNotFound, "NoSuchKey (404)");
  EXPECT_EQ(step_error(Blame::kData, missing), "ClientError: Data download failed:NoSuchKey (404)");
  EXPECT_EQ(step_error(Blame::kUpload, missing), "ClientError: Artifact upload failed:NoSuchKey (404)");
  EXPECT_EQ(step_error(Blame::kUser, missing), "ClientError: NoSuchKey (404)");
  EXPECT_EQ(step_error(Blame::kOurs, missing),
            "InternalServerError: We encountered an internal error. Please try again.");
}

TEST(Verdict, AFullDiskIsNamedAsTheServiceNamesIt) {
  const Error full = Error::from_errno("/d/x", ENOSPC);
  EXPECT_EQ(step_error(Blame::kData, full), "ClientError: Data download failed:Insufficient disk space");
  EXPECT_EQ(step_error(Blame::kUpload, full), "ClientError: Artifact upload failed:Insufficient disk space");
  EXPECT_EQ(step_error(Blame::kOurs, full), "ClientError: Insufficient disk space");
  const Error limit(ErrorKind::kNoSpace, "the archive has too many members");
  EXPECT_EQ(step_error(Blame::kUser, limit), "ClientError: the archive has too many members");
}

TEST(DiskReserve, IsRoomUntilItIsGivenBack) {
  const auto folder = TempFolder::make(fs::temp_directory_path(), "reserve-");
  DiskReserve reserve;
  reserve.keep(folder->path());
  struct stat about;
  ASSERT_EQ(::stat((folder->path() / "reserve").c_str(), &about), 0);
  EXPECT_GE(about.st_blocks * 512, DiskReserve::kBytes);
  reserve.give_back();
  EXPECT_TRUE(fs::is_empty(folder->path()));
  EXPECT_FALSE(disk_is_full(folder->path()));
}

TEST(Verdict, AFifoForAFailureFileDoesNotBlock) {
  const auto folder = TempFolder::make(fs::temp_directory_path(), "verdict-");
  ::mkfifo((folder->path() / "failure").c_str(), 0644);
  EXPECT_EQ(failure_text(folder->path() / "failure"), "");
}

class OverlayTest : public testing::Test {
 protected:
  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "overlay-");

  int python(const std::string& code) {
    auto child = Child::start({.argv = {(folder_.path() / "env/bin/python").string(), "-c", code},
                               .environment = std::vector<std::string>{"PATH=/usr/bin:/bin"},
                               .working_folder = {},
                               .inherited_fds = {}});
    return child ? child->wait()->code : -1;
  }
};

TEST_F(OverlayTest, SeesItsParentsPackagesAndKeepsItsOwn) {
  const auto interpreter = describe("python3", folder_.path() / "cache");
  ASSERT_TRUE(interpreter) << interpreter.error().message();
  ASSERT_TRUE(make_overlay(*interpreter, folder_.path() / "env"));
  const auto site = folder_.path() / "env/lib" / ("python" + interpreter->version()) / "site-packages";
  ASSERT_TRUE(write_file(site / "only_here.py", "x = 1\n"));
  EXPECT_EQ(python("import only_here, sys; assert sys.prefix != sys.base_prefix"), 0);
  for (const std::string& parent : interpreter->site_folders)
    EXPECT_TRUE(!fs::exists(parent) || python("import sys; assert '" + parent + "' in sys.path") == 0)
        << parent;
}

TEST_F(OverlayTest, AsksAnInterpreterOnce) {
  ASSERT_TRUE(describe("python3", folder_.path() / "cache"));
  const auto file = *fs::directory_iterator(folder_.path() / "cache");
  ASSERT_TRUE(
      write_file(file.path(), R"({"executable":"/from/cache","major":3,"minor":1,"site_folders":[]})"));
  EXPECT_EQ(describe("python3", folder_.path() / "cache")->executable, "/from/cache");
}

TEST_F(OverlayTest, AMissingInterpreterIsNamed) {
  const auto interpreter = describe("/no/such/python", {});
  ASSERT_FALSE(interpreter);
  EXPECT_NE(interpreter.error().message().find("/no/such/python"), std::string::npos);
}

}  // namespace
}  // namespace sagelet::runner
