#include "runner/progress.hpp"

#include <gtest/gtest.h>

namespace sagelet {
namespace {

class ProgressTest : public testing::Test {
 protected:
  void job_of(std::vector<std::string> hosts) {
    JobSpec spec;
    spec.hosts = std::move(hosts);
    ASSERT_TRUE(write_file(path() / "spec.json", spec.to_json()));
  }
  void note(const Progress& progress, const std::string& host = {}) {
    ASSERT_TRUE(make_folders(path() / host));
    ASSERT_TRUE(progress.write(path() / host));
  }
  static Progress ended(int code, int why = 0) {
    Progress progress;
    progress.ended = true;
    progress.exit_code = code;
    progress.why = why;
    return progress;
  }
  fs::path path() const { return folder_.path(); }

  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "progress-");
};

TEST_F(ProgressTest, ComesBackWhole) {
  Progress progress = ended(3, 2);
  progress.started_ms = 1700000000123;
  progress.sandbox = R"({"engine":[1,2]})";
  progress.checkpoints = "/somewhere";
  progress.out_of_memory = true;
  progress.python_version = "3.11";
  progress.metrics = {{"loss", 0.25, 7}};
  note(progress);
  EXPECT_EQ(Progress::read(path())->to_json(), progress.to_json());
  EXPECT_EQ(Progress::read(path())->metrics.at(0).value, 0.25);
}

TEST_F(ProgressTest, AJobWithoutANoteIsLost) {
  EXPECT_EQ(can_be_taken_up(path()), TakeUp::kNo);
  job_of({"algo-1"});
  EXPECT_EQ(can_be_taken_up(path()), TakeUp::kNo);
  ASSERT_TRUE(write_file(path() / "progress.json", "{torn"));
  EXPECT_EQ(can_be_taken_up(path()), TakeUp::kNo);
}

TEST_F(ProgressTest, ARunningContainerAndAnEndedProgramAreTakenUp) {
  job_of({"algo-1"});
  note(Progress());
  EXPECT_EQ(can_be_taken_up(path()), TakeUp::kContainer);
  note(ended(0));
  EXPECT_EQ(can_be_taken_up(path()), TakeUp::kEnded);
}

TEST_F(ProgressTest, NotForEver) {
  job_of({"algo-1"});
  Progress often = ended(0);
  often.taken_up = 20;
  note(often);
  EXPECT_EQ(can_be_taken_up(path()), TakeUp::kNo);
}

TEST_F(ProgressTest, SeveralHostsMustAllHaveGotThatFar) {
  job_of({"algo-1", "algo-2"});
  note(ended(0), "algo-1");
  EXPECT_EQ(can_be_taken_up(path()), TakeUp::kNo);
  note(Progress(), "algo-2");
  EXPECT_EQ(can_be_taken_up(path()), TakeUp::kContainer);
  note(ended(0), "algo-2");
  EXPECT_EQ(can_be_taken_up(path()), TakeUp::kEnded);
}

TEST_F(ProgressTest, AHostThatFailedByItselfIsEnough) {
  job_of({"algo-1", "algo-2"});
  note(ended(1), "algo-2");
  EXPECT_EQ(can_be_taken_up(path()), TakeUp::kEnded);
  note(ended(143, 1), "algo-2");  // it was stopped
  EXPECT_EQ(can_be_taken_up(path()), TakeUp::kNo);
}

}  // namespace
}  // namespace sagelet
