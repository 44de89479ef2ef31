#include "runner/merged.hpp"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet::runner {
namespace {

using testing::ElementsAre;

Report said(const std::string& host, Phase phase, std::int64_t time = 10) {
  Report report;
  report.host = host;
  report.phase = phase;
  report.message = host + " moved";
  report.training_start_ms = time;
  report.training_end_ms = time * 10;
  return report;
}

Report ended(const std::string& host, Outcome outcome, std::int64_t time = 10) {
  Report report = said(host, Phase::kFinished, time);
  report.outcome = outcome;
  if (outcome == Outcome::kFailed) report.failure_reason = "AlgorithmError: of " + host;
  return report;
}

class Merged : public testing::Test {
 protected:
  MergedReports merged_{{"algo-1", "algo-2"}};
};

TEST_F(Merged, TheJobMovesWhenItsLastHostDoes) {
  EXPECT_FALSE(merged_.take(said("algo-1", Phase::kDownloading)));
  EXPECT_FALSE(merged_.take(said("algo-1", Phase::kTraining)));
  const auto moved = merged_.take(said("algo-2", Phase::kDownloading));
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->phase, Phase::kDownloading);
  EXPECT_EQ(moved->message, "algo-2 moved");
  EXPECT_EQ(merged_.take(said("algo-2", Phase::kTraining))->phase, Phase::kTraining);
}

TEST_F(Merged, AHostThatFinishesChangesNothingForTheOthers) {
  EXPECT_FALSE(merged_.take(ended("algo-1", Outcome::kCompleted)));
  EXPECT_FALSE(merged_.failed());
  EXPECT_EQ(merged_.take(said("algo-2", Phase::kTraining))->phase, Phase::kTraining);
  EXPECT_FALSE(merged_.take(ended("algo-2", Outcome::kCompleted)));
  EXPECT_EQ(merged_.ending().outcome, Outcome::kCompleted);
}

TEST_F(Merged, TheFirstHostToFailIsHowTheJobFails) {
  (void)merged_.take(ended("algo-2", Outcome::kFailed, 20));
  EXPECT_TRUE(merged_.failed());
  (void)merged_.take(ended("algo-1", Outcome::kFailed, 30));
  EXPECT_EQ(merged_.ending().failure_reason, "AlgorithmError: of algo-2");
  EXPECT_EQ(merged_.ending().training_start_ms, 20);
  EXPECT_EQ(merged_.ending().training_end_ms, 200);
}

TEST_F(Merged, ALostHostIsOurFault) {
  (void)merged_.take(ended("algo-1", Outcome::kCompleted));
  merged_.lose("algo-2");
  EXPECT_THAT(merged_.ending().failure_reason, testing::StartsWith("InternalServerError"));
}

TEST_F(Merged, HowAHostWasLostIsToldBehindAwsWords) {
  merged_.lose("algo-2", "algo-2: node n2 failed");
  EXPECT_EQ(
      merged_.ending().failure_reason,
      "InternalServerError: We encountered an internal error. Please try again. algo-2: node n2 failed");
}

TEST_F(Merged, AStopOrTheTimeLimitOfOneHostIsTheJobs) {
  (void)merged_.take(ended("algo-1", Outcome::kCompleted, 10));
  (void)merged_.take(ended("algo-2", Outcome::kStopped, 5));
  EXPECT_EQ(merged_.ending().outcome, Outcome::kStopped);
  EXPECT_EQ(merged_.ending().training_start_ms, 5);
  EXPECT_EQ(merged_.ending().training_end_ms, 100);
  (void)merged_.take(ended("algo-2", Outcome::kMaxRuntimeExceeded));
  EXPECT_EQ(merged_.ending().outcome, Outcome::kMaxRuntimeExceeded);
}

TEST_F(Merged, TheNewestValueOfAMetricCounts) {
  auto first = ended("algo-1", Outcome::kCompleted), second = ended("algo-2", Outcome::kCompleted);
  first.metrics = {{"loss", 1, 300}, {"only", 7, 1}};
  second.metrics = {{"loss", 2, 200}};
  (void)merged_.take(first);
  (void)merged_.take(second);
  const auto metrics = merged_.ending().metrics;
  ASSERT_EQ(metrics.size(), 2u);
  EXPECT_EQ(metrics[0].value, 1);
  EXPECT_EQ(metrics[1].value, 7);
}

TEST(MergeTree, FoldersAreJoinedAndFilesReplaced) {
  const auto home = *TempFolder::make(fs::temp_directory_path(), "merge-");
  const auto put = [&](const char* name, const char* text) {
    ASSERT_TRUE(make_folders((home.path() / name).parent_path()));
    ASSERT_TRUE(write_file(home.path() / name, text));
  };
  put("to/a/kept", "1"), put("to/a/both", "1"), put("to/x", "file");
  put("from/a/both", "2"), put("from/a/new", "2"), put("from/x/y", "2");
  ASSERT_TRUE(merge_tree(home.path() / "from", home.path() / "to"));
  EXPECT_EQ(*read_file(home.path() / "to/a/kept"), "1");
  EXPECT_EQ(*read_file(home.path() / "to/a/both"), "2");
  EXPECT_EQ(*read_file(home.path() / "to/a/new"), "2");
  EXPECT_EQ(*read_file(home.path() / "to/x/y"), "2");
}

TEST(MergeTree, ALinkIsNotFollowed) {
  const auto home = *TempFolder::make(fs::temp_directory_path(), "merge-");
  ASSERT_TRUE(make_folders(home.path() / "from/link"));
  ASSERT_TRUE(make_folders(home.path() / "to"));
  ASSERT_TRUE(make_folders(home.path() / "outside"));
  ASSERT_TRUE(write_file(home.path() / "from/link/file", "2"));
  fs::create_directory_symlink(home.path() / "outside", home.path() / "to/link");
  ASSERT_TRUE(merge_tree(home.path() / "from", home.path() / "to"));
  EXPECT_FALSE(fs::exists(home.path() / "outside/file"));
  EXPECT_EQ(*read_file(home.path() / "to/link/file"), "2");
}

TEST(PartOfCores, EachHostGetsAFairPartAndNoneGoesWithout) {
  EXPECT_THAT(part_of_cores({0, 1, 2, 3, 4}, 0, 2), ElementsAre(0, 1));
  EXPECT_THAT(part_of_cores({0, 1, 2, 3, 4}, 1, 2), ElementsAre(2, 3, 4));
  EXPECT_THAT(part_of_cores({0, 1}, 2, 3), ElementsAre(0));
  EXPECT_TRUE(part_of_cores({}, 0, 2).empty());
}

}  // namespace
}  // namespace sagelet::runner
