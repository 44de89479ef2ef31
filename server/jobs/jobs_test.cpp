#include "server/jobs/jobs.hpp"

#include <algorithm>
#include <mutex>
#include <set>

#include "gmock/gmock.h"
#include "server/jobs/fixture_for_tests.hpp"

namespace sagelet::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(JobsTest, AJobStartsWithAllItNeeds) {
  options_.stop_grace = std::chrono::seconds(7);
  options_.log_spool_limit = 12345;
  options_.pip_cache = "/pip";
  start();
  create("one");
  ASSERT_TRUE(is_up("one"));
  const auto spec = spec_of("one");
  EXPECT_EQ(spec.name, "name-one");
  EXPECT_EQ(spec.python, python_);
  EXPECT_EQ(spec.server_url, "http://127.0.0.1:4577");
  EXPECT_THAT(spec.host_environment, ElementsAre("PIP_INDEX_URL=x", "SAGELET_JOB_ID=one"));
  EXPECT_EQ(spec.cpus, Cores::of_machine());
  EXPECT_GT(spec.memory_limit, 0u);
  EXPECT_LE(spec.memory_limit, 8ull << 30);
  EXPECT_EQ(spec.stop_grace_seconds, 7);
  EXPECT_EQ(spec.log_spool_limit, 12345u);
  EXPECT_EQ(spec.pip_cache, "/pip");
}

TEST_F(JobsTest, EachInstanceGroupHasTheLimitsOfItsType) {
  start();
  auto wanted = request("one");
  wanted.instance_type = "ml.t3.medium";
  wanted.spec.instance_groups = {{"small", "ml.t3.medium", {"algo-1"}},
                                 {"large", "ml.p3.2xlarge", {"algo-2"}}};
  put(std::move(wanted));
  jobs_->wake();
  ASSERT_TRUE(is_up("one"));
  const auto spec = spec_of("one");
  const auto machine = jobs_->doctor().memory;
  EXPECT_EQ(spec.memory_limit, std::min<std::uint64_t>(4ull << 30, machine));
  EXPECT_EQ(spec.instance_groups[0].memory_limit, spec.memory_limit);
  EXPECT_EQ(spec.instance_groups[1].memory_limit, std::min<std::uint64_t>(61ull << 30, machine));
  EXPECT_EQ(spec.instance_groups[0].gpus, 0);
  EXPECT_EQ(spec.instance_groups[1].gpus, 1);
}

TEST_F(JobsTest, EachReportIsAppliedOnceAndTheFinalOneEndsTheJob) {
  start();
  create("one");
  ASSERT_TRUE(is_up("one"));
  const auto runner = runner_of("one");
  EXPECT_TRUE(say(report("one", 1)));
  EXPECT_TRUE(say(report("one", 1)));
  EXPECT_TRUE(say(report("one", 2)));
  EXPECT_TRUE(end("one", 3));
  EXPECT_TRUE(end("one", 3));
  EXPECT_EQ(listener_.reports("one").size(), 3u);
  EXPECT_EQ(rows(), 0);
  runner.signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return !fs::exists(options_.folder / "one"); }));
  EXPECT_EQ(listener_.lost_why("one"), "");
  EXPECT_TRUE(end("one", 3).error().is(ErrorKind::kNotFound));
}

TEST_F(JobsTest, AJobLivesFromItsRowToItsEndAndTheEndIsTold) {
  std::mutex mutex;
  std::vector<std::string> told;
  options_.ended = [&](const std::string& id) {
    const std::lock_guard lock(mutex);
    told.push_back(jobs_->token_of(id) ? id + " lives" : id);
  };
  start();
  put(request("done"));
  EXPECT_EQ(jobs_->token_of("done"), "token-done");
  EXPECT_FALSE(jobs_->token_of("nobody"));
  jobs_->wake();
  for (const char* id : {"failed", "dropped"}) create(id);
  ASSERT_TRUE(is_up("done"));
  EXPECT_TRUE(end("done", 1));
  EXPECT_FALSE(jobs_->token_of("done"));
  ASSERT_TRUE(is_up("failed"));
  auto last = report("failed", 1);
  last.phase = Phase::kFinished;
  last.outcome = Outcome::kFailed;
  EXPECT_TRUE(say(last));
  EXPECT_FALSE(jobs_->token_of("failed"));  // though its folder, and so its row, is kept
  EXPECT_TRUE(jobs_->token_of("dropped"));
  jobs_->clear();
  EXPECT_FALSE(jobs_->token_of("dropped"));
  jobs_.reset();
  const std::lock_guard lock(mutex);
  EXPECT_THAT(told, testing::IsSupersetOf({"done", "failed", "dropped"}));
  for (const auto& id : told) EXPECT_THAT(id, testing::Not(HasSubstr("lives")));
}

TEST_F(JobsTest, AReportNeedsTheJobsToken) {
  start();
  create("one");
  ASSERT_TRUE(is_up("one"));
  EXPECT_TRUE(jobs_->intake("token-two", report("one", 1)).error().is(ErrorKind::kPermission));
  EXPECT_TRUE(jobs_->intake("", report("one", 1)).error().is(ErrorKind::kPermission));
  EXPECT_TRUE(jobs_->intake("token-two", report("two", 1)).error().is(ErrorKind::kNotFound));
  EXPECT_THAT(listener_.reports("one"), IsEmpty());
}

TEST_F(JobsTest, AReportThatCouldNotBeKeptIsNotAcknowledged) {
  start();
  create("one");
  ASSERT_TRUE(is_up("one"));
  listener_.fail_next(1);
  EXPECT_TRUE(say(report("one", 1)).error().is(ErrorKind::kNoSpace));
  EXPECT_TRUE(say(report("one", 1)));
  EXPECT_EQ(listener_.reports("one").size(), 1u);
}

TEST_F(JobsTest, WithoutAListenerNothingIsAcknowledgedAndNothingDropped) {
  start();
  create("one");
  ASSERT_TRUE(is_up("one"));
  const auto runner = runner_of("one");
  jobs_->listen("training", nullptr);
  EXPECT_TRUE(say(report("one", 1)).error().is(ErrorKind::kUnavailable));
  runner.signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return !runner.alive(); }));
  restart();
  settle();
  EXPECT_FALSE(listener_.lost_why("one").empty());
}

TEST_F(JobsTest, PendingJobsStartInOrder) {
  start();
  for (const char* id : {"a", "b", "c"}) create(id);
  ASSERT_TRUE(is_up("a"));
  settle();
  EXPECT_FALSE(has("b", "spec.json"));
  EXPECT_THAT(listener_.messages("a"), IsEmpty());
  EXPECT_THAT(listener_.messages("b").back(), HasSubstr("cores; 0 are free"));
  EXPECT_THAT(listener_.messages("c").back(), HasSubstr("behind the jobs created before"));
  ASSERT_TRUE(end("a"));
  ASSERT_TRUE(is_up("b"));
  settle();
  EXPECT_FALSE(has("c", "spec.json"));
  EXPECT_THAT(listener_.messages("c").back(), HasSubstr("0 are free"));
  ASSERT_TRUE(end("b"));
  ASSERT_TRUE(is_up("c"));
}

TEST_F(JobsTest, NeverOversubscribesCores) {
  options_.cores_per_job = 1;
  start();
  std::set<int> taken;
  for (std::size_t i = 0; i <= Cores::of_machine().size(); ++i) create("job" + std::to_string(i));
  const auto last = "job" + std::to_string(Cores::of_machine().size());
  for (std::size_t i = 0; i < Cores::of_machine().size(); ++i) {
    ASSERT_TRUE(is_up("job" + std::to_string(i)));
    const auto cpus = spec_of("job" + std::to_string(i)).cpus;
    ASSERT_EQ(cpus.size(), 1u);
    EXPECT_TRUE(taken.insert(cpus[0]).second) << "core " << cpus[0] << " is given twice";
  }
  settle();
  EXPECT_FALSE(has(last, "spec.json"));
  const auto freed = spec_of("job0").cpus;
  ASSERT_TRUE(end("job0"));
  ASSERT_TRUE(is_up(last));
  EXPECT_EQ(spec_of(last).cpus, freed);
}

TEST_F(JobsTest, AJobOfAJobDoesNotWait) {
  start();
  create("outer");
  ASSERT_TRUE(is_up("outer"));
  auto inner = request("inner");
  inner.outside_queue = true;
  put(std::move(inner));
  jobs_->wake();
  EXPECT_TRUE(is_up("inner"));
  ASSERT_TRUE(end("inner"));
  create("next");
  settle();
  EXPECT_FALSE(has("next", "spec.json"));  // the inner one's end freed nothing
}

TEST_F(JobsTest, StopsAQueuedJob) {
  start();
  create("a");
  create("b");
  ASSERT_TRUE(is_up("a"));
  jobs_->stop("b");
  jobs_->stop("b");
  settle();
  ASSERT_EQ(listener_.reports("b").size(), 1u);
  EXPECT_EQ(listener_.reports("b")[0].outcome, Outcome::kStopped);
  EXPECT_EQ(listener_.reports("b")[0].phase, Phase::kFinished);
  EXPECT_EQ(rows(), 1);
  ASSERT_TRUE(end("a"));
  settle();
  EXPECT_FALSE(has("b", "spec.json"));
}

TEST_F(JobsTest, StopsAJobCreatedAMomentAgo) {
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  put(request("b"));
  jobs_->stop("b");  // before the wake
  jobs_->wake();
  settle();
  EXPECT_EQ(listener_.reports("b").size(), 1u);
  EXPECT_EQ(listener_.lost_why("b"), "");
}

TEST_F(JobsTest, StopsARunningJobBySigterm) {
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  ASSERT_TRUE(say(report("a", 1)));
  const auto runner = runner_of("a");
  EXPECT_TRUE(runner.alive());
  jobs_->stop("a");
  EXPECT_TRUE(eventually([&] { return !runner.alive(); }));
  EXPECT_TRUE(eventually([&] { return !listener_.lost_why("a").empty(); }));  // this runner says no last word
}

TEST_F(JobsTest, ARunnerStoppedBeforeItCouldListenIsStoppedNotLost) {
  set_mode(home_.path(), "early");
  start();
  create("a");
  ASSERT_TRUE(eventually([&] { return runner_of("a").pid != 0 || !marked_processes({"a"}).empty(); }));
  jobs_->stop("a");
  ASSERT_TRUE(eventually([&] { return !listener_.reports("a").empty(); }));
  EXPECT_EQ(listener_.reports("a")[0].outcome, Outcome::kStopped);
  EXPECT_EQ(listener_.lost_why("a"), "");
}

TEST_F(JobsTest, ReportsALostRunnerAndKillsWhatItLeft) {
  set_mode(home_.path(), "daemon");
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  EXPECT_TRUE(runner_of("a").signal(SIGKILL));
  EXPECT_TRUE(eventually([&] { return !listener_.lost_why("a").empty(); }));
  EXPECT_THAT(marked_processes({"a"}), IsEmpty());
  create("b");
  EXPECT_TRUE(is_up("b"));  // its cores are free again
}

TEST_F(JobsTest, ARunnerThatCannotBeStartedIsALostJob) {
  start();
  fs::permissions(options_.runner, fs::perms(0600));
  create("a");
  EXPECT_TRUE(eventually([&] { return !listener_.lost_why("a").empty(); }));
  EXPECT_THAT(listener_.lost_why("a"), HasSubstr("could not be started"));
}

TEST_F(JobsTest, AnEndThatCannotBeRecordedIsTriedAgain) {
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  listener_.fail_next(1);
  runner_of("a").signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return listener_.failures_left() == 0; }));
  settle();
  EXPECT_EQ(rows(), 1);
  clock_.tick(std::chrono::seconds(2));
  jobs_->wake();
  EXPECT_TRUE(eventually([&] { return !listener_.lost_why("a").empty(); }));
}

TEST_F(JobsTest, AFailedJobsFolderStaysForAWhile) {
  options_.keep_failed = std::chrono::hours(1);
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  const auto runner = runner_of("a");
  ASSERT_TRUE(end("a", 1, Outcome::kFailed));
  runner.signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return !runner.alive(); }));
  clock_.tick(std::chrono::minutes(59));
  restart();
  settle();
  EXPECT_TRUE(fs::exists(options_.folder / "a"));
  EXPECT_TRUE(end("a", 2).error().is(ErrorKind::kNotFound));
  clock_.tick(std::chrono::minutes(2));
  jobs_->wake();
  EXPECT_TRUE(eventually([&] { return !fs::exists(options_.folder / "a"); }));
  EXPECT_EQ(rows(), 0);
}

TEST_F(JobsTest, ARemovedJobsFolderGoesAtOnce) {
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  const auto runner = runner_of("a");
  ASSERT_TRUE(end("a", 1, Outcome::kFailed));
  runner.signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return !runner.alive(); }));
  settle();
  jobs_->remove("a");
  EXPECT_TRUE(eventually([&] { return !fs::exists(options_.folder / "a") && rows() == 0; }));
}

TEST_F(JobsTest, AFolderStaysWhileItNamesAnEngineThatHasContainersAndIsAway) {
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  const auto runner = runner_of("a");
  ASSERT_TRUE(write_file(options_.folder / "a/engine", (home_.path() / "away.sock").native()));
  ASSERT_TRUE(end("a"));
  runner.signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return !runner.alive(); }));
  for (const bool again : {false, true}) {
    if (again) restart();
    clock_.tick(std::chrono::seconds(2));
    settle();
    EXPECT_TRUE(has("a", "engine"));
    EXPECT_EQ(rows(), 0);
  }
  fs::remove(options_.folder / "a/engine");  // nothing is owed any more
  clock_.tick(std::chrono::seconds(2));
  jobs_->wake();
  EXPECT_TRUE(eventually([&] { return !fs::exists(options_.folder / "a"); }));
}

TEST_F(JobsTest, AKilledRunnersMemoryGroupIsRemoved) {
  options_.keep_failed = std::chrono::hours(1);
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  const auto group = home_.path() / "sagelet-a", foreign = home_.path() / "other";
  for (const auto& folder : {group, foreign}) fs::create_directory(folder);
  fs::create_directory(options_.folder / "a/algo-1");
  ASSERT_TRUE(write_file(options_.folder / "a/memory_group", group.native()));
  ASSERT_TRUE(write_file(options_.folder / "a/algo-1/memory_group", foreign.native()));
  runner_of("a").signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return !fs::exists(group); }));
  settle();
  EXPECT_TRUE(fs::exists(foreign));
  EXPECT_TRUE(fs::exists(options_.folder / "a"));
}

TEST_F(JobsTest, ClearLeavesNoProcessNoRowAndNoFolder) {
  set_mode(home_.path(), "daemon");
  start();
  create("a");
  create("b");
  ASSERT_TRUE(is_up("a"));
  jobs_->clear();
  EXPECT_THAT(marked_processes({"a", "b"}), IsEmpty());
  EXPECT_EQ(rows(), 0);
  EXPECT_TRUE(fs::is_empty(options_.folder));
  ASSERT_TRUE(ledger_->clear());
  create("c");
  EXPECT_TRUE(is_up("c"));  // the queue goes on
}

TEST_F(JobsTest, JobsEndWithAnEphemeralServerAndOutliveAnother) {
  start();
  create("a");
  ASSERT_TRUE(is_up("a"));
  jobs_.reset();
  EXPECT_FALSE(marked_processes({"a"}).empty());
  options_.stop_jobs_at_exit = true;
  start();
  jobs_.reset();
  EXPECT_THAT(marked_processes({"a"}), IsEmpty());
}

TEST_F(JobsTest, AnImageWithoutARuleIsRefusedBeforeTheTransaction) {
  start();
  auto unknown = request("a");
  unknown.spec.image = "somebody/else:1";
  EXPECT_TRUE(jobs_->enqueue(std::move(unknown)).error().is(ErrorKind::kInvalid));
}

TEST_F(JobsTest, ItSaysWhatTheMachineOffers) {
  start();
  const auto doctor = jobs_->doctor();
  EXPECT_EQ(doctor.sandbox, "fake");
  EXPECT_THAT(doctor.notes, testing::Contains("a note"));
  EXPECT_EQ(doctor.cores, static_cast<int>(Cores::of_machine().size()));
  EXPECT_GT(doctor.memory, 0u);
}

TEST_F(JobsTest, ManyCreatorsLoseNoJob) {
  options_.cores_per_job = 0.01;
  start();
  std::vector<std::thread> creators;
  std::vector<Request> wanted;
  for (int i = 0; i < 12; ++i) wanted.push_back(request("m" + std::to_string(i)));
  for (auto& one : wanted)
    creators.emplace_back([&] {
      put(one);
      jobs_->wake();
    });
  for (auto& creator : creators) creator.join();
  for (const auto& one : wanted) EXPECT_TRUE(is_up(one.spec.job_id)) << one.spec.job_id;
}

}  // namespace
}  // namespace sagelet::jobs
