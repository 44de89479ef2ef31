// A server that comes back, and a job whose runner is gone.
#include "gmock/gmock.h"
#include "server/jobs/fixture_for_tests.hpp"

namespace sagelet::jobs {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(JobsTest, AdoptsARunningRunner) {
  start();
  create("a");
  create("b");
  ASSERT_TRUE(is_up("a"));
  ASSERT_TRUE(say(report("a", 1)));
  const auto runner = runner_of("a");
  options_.server_url = [] { return std::string("http://127.0.0.1:5000"); };
  restart();
  EXPECT_TRUE(runner.alive());
  EXPECT_EQ(spec_of("a").server_url, "http://127.0.0.1:5000");
  settle();
  EXPECT_FALSE(has("b", "spec.json"));  // a holds its cores still
  ASSERT_TRUE(say(report("a", 1)));
  ASSERT_TRUE(say(report("a", 2)));
  EXPECT_EQ(listener_.reports("a").size(), 2u);
  ASSERT_TRUE(end("a", 3));
  EXPECT_TRUE(is_up("b"));
  runner.signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return !fs::exists(options_.folder / "a"); }));
}

TEST_F(JobsTest, BeforeAdoptionReportsAreToComeAgain) {
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  jobs_.reset();
  start(false);
  EXPECT_TRUE(say(report("a", 1)).error().is(ErrorKind::kUnavailable));
  jobs_->adopt();
  EXPECT_TRUE(say(report("a", 1)));
}

TEST_F(JobsTest, ARunnerThatDiedMeanwhileIsLost) {
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  const auto runner = runner_of("a");
  jobs_.reset();
  runner.signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return !runner.alive(); }));
  start();
  settle();
  EXPECT_THAT(listener_.lost_why("a"), HasSubstr("without a report"));
  EXPECT_THAT(marked_processes({"a"}), IsEmpty());
}

TEST_F(JobsTest, AJobThatCanGoOnGetsAnotherRunner) {
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  ASSERT_TRUE(say(report("a", 1)));
  ASSERT_TRUE(Progress().write(options_.folder / "a"));
  ASSERT_TRUE(followed_by_another("a", SIGKILL));
  EXPECT_TRUE(spec_of("a").resumed);
  EXPECT_FALSE(spec_of("a").stop_asked);
  EXPECT_EQ(spec_of("a").last_report, 1u);
  ASSERT_TRUE(followed_by_another("a", 0, [&] { jobs_->stop("a"); }));  // the fake one ends without a word
  EXPECT_TRUE(spec_of("a").stop_asked);
  ASSERT_TRUE(say(report("a", 2, Phase::kFinished, Outcome::kStopped)));
  EXPECT_EQ(listener_.lost_why("a"), "");
  EXPECT_EQ(rows(), 0);
}

TEST_F(JobsTest, WhatIsInAContainerIsNotKilledAndAnEndedJobsDaemonsAre) {
  start();
  set_mode(home_.path(), "daemon");  // of a process that carries the job's mark
  create("a");
  ASSERT_TRUE(is_up("a"));
  ASSERT_TRUE(Progress().write(options_.folder / "a"));
  set_mode(home_.path(), "");
  ASSERT_TRUE(followed_by_another("a", SIGKILL));
  EXPECT_TRUE(
      eventually([&] { return marked_processes({"a"}).size() == 4; }));  // with two sleeps of the first
  Progress ended;
  ended.ended = true;
  ASSERT_TRUE(ended.write(options_.folder / "a"));
  ASSERT_TRUE(followed_by_another("a", SIGKILL));
  EXPECT_TRUE(eventually([&] { return marked_processes({"a"}).size() == 2; }));  // itself and its sleep
}

TEST_F(JobsTest, ARunnerThatTookAJobUpBeforeTheServerDiedIsFound) {
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  const pid_t first = noted_runner("a");
  jobs_.reset();
  runner_of("a").signal(SIGKILL);
  LocalPlacement placement(options_.runner, options_.folder);
  ASSERT_TRUE(
      eventually([&] { return placement.start(spec_of("a")).has_value(); }));  // its row is not written
  ASSERT_TRUE(eventually([&] { return noted_runner("a") != first; }));
  const pid_t second = noted_runner("a");
  start();
  ASSERT_TRUE(say(report("a", 1, Phase::kFinished, Outcome::kCompleted)));
  EXPECT_EQ(noted_runner("a"), second);
  EXPECT_EQ(listener_.lost_why("a"), "");
}

TEST_F(JobsTest, TheFinalReportOfADeadRunnerCounts) {
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  ASSERT_TRUE(say(report("a", 1)));
  const auto runner = runner_of("a");
  jobs_.reset();
  fs::create_directory(options_.folder / "a" / "reports");
  ASSERT_TRUE(write_file(options_.folder / "a/reports/1.json", report("a", 1).to_json()));
  ASSERT_TRUE(write_file(options_.folder / "a/reports/2.json", report("a", 2, Phase::kUploading).to_json()));
  ASSERT_TRUE(write_file(options_.folder / "a/reports/3.json",
                         report("a", 3, Phase::kFinished, Outcome::kCompleted).to_json()));
  runner.signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return !runner.alive(); }));
  start();
  settle();
  EXPECT_EQ(listener_.lost_why("a"), "");
  ASSERT_EQ(listener_.reports("a").size(), 3u);
  EXPECT_EQ(listener_.reports("a").back().outcome, Outcome::kCompleted);
  EXPECT_EQ(rows(), 0);
  EXPECT_FALSE(fs::exists(options_.folder / "a"));
}

TEST_F(JobsTest, ARunnerWhoseHandleDidNotReachTheLedgerIsFoundNotStartedTwice) {
  start();
  put(request("a"));  // the row is there, then the server was killed right after the runner's start
  jobs_.reset();
  LocalPlacement placement(options_.runner, options_.folder);
  JobSpec spec;
  spec.job_id = "a";
  const auto handle = placement.start(spec);
  ASSERT_TRUE(handle);
  ASSERT_TRUE(is_up("a"));
  start();
  EXPECT_TRUE(placement.alive(*handle));
  EXPECT_EQ(marked_processes({"a"}).size(), 2u);  // the script and its sleep, once
  EXPECT_TRUE(say(report("a", 1)));
  EXPECT_TRUE(end("a", 2));
}

TEST_F(JobsTest, QueuedJobsAndLeftFoldersAreTakenCareOfAtStart) {
  start(false);
  put(request("a"));
  fs::create_directories(options_.folder / "a" / "half-made");
  fs::create_directories(options_.folder / "of-nobody");
  restart();
  EXPECT_TRUE(is_up("a"));
  EXPECT_FALSE(has("a", "half-made"));
  EXPECT_FALSE(fs::exists(options_.folder / "of-nobody"));
}

}  // namespace
}  // namespace sagelet::jobs
