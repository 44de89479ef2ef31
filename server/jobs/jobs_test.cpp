#include "server/jobs/jobs.hpp"

#include <signal.h>

#include <algorithm>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/jobs/cores.hpp"
#include "server/jobs/fakes.hpp"
#include "server/jobs/placement/local/local.hpp"
#include "server/jobs/sweep.hpp"

namespace sagelet::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kImage = "me/mine:1";

/// A whole Jobs over a real ledger and a runner that is a shell script; the test plays the runner's reports.
class JobsTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.runner = write_fake_runner(home_.path());
    options_.folder = home_.path() / "jobs";
    python_ = (home_.path() / "python3.11").native();
    ASSERT_TRUE(write_file(python_, "nobody runs it", false, 0755));
    options_.images = {{"me/*", python_, ""}};
    options_.server_url = [] { return std::string("http://127.0.0.1:4577"); };
    options_.job_environment = [] { return std::vector<std::string>{"PIP_INDEX_URL=x"}; };
    options_.cores_per_job = static_cast<double>(Cores::of_machine().size());  // one at a time
    ledger_ = *storage::Ledger::open(home_.path() / "ledger.db", storage::Durability::kProcess);
  }
  void TearDown() override {
    if (jobs_) jobs_->clear();
    sweep(ids_used_);
  }

  void start(bool adopt = true) {
    auto started = Jobs::start(options_, *ledger_, clock_, ids_);
    ASSERT_TRUE(started) << started.error().message();
    jobs_ = std::move(*started);
    jobs_->listen("training", &listener_);
    if (adopt) jobs_->adopt();
  }
  /// The server goes and comes back; its runners stay.
  void restart() {
    jobs_.reset();
    start();
  }

  Request request(const std::string& id) {
    ids_used_.push_back(id);
    Request out;
    out.spec.job_id = id;
    out.spec.name = "name-" + id;
    out.spec.image = kImage;
    out.spec.report_token = "token-" + id;
    out.instance_type = "ml.m5.large";
    return out;
  }
  void put(Request wanted) {
    auto change = jobs_->enqueue(std::move(wanted));
    ASSERT_TRUE(change) << change.error().message();
    ASSERT_TRUE(ledger_->commit_and_wait(std::move(*change)));
  }
  void create(const std::string& id) {
    put(request(id));
    jobs_->wake();
  }
  void settle() { jobs_->listen("nobody", nullptr); }  // waits until posted work is done

  bool has(const std::string& id, const char* file) const { return fs::exists(options_.folder / id / file); }
  bool is_up(const std::string& id) const {
    return eventually([&] { return has(id, "up"); });
  }
  JobSpec spec_of(const std::string& id) const {
    return *JobSpec::from_json(*read_file(options_.folder / id / "spec.json"));
  }
  ProcessId runner_of(const std::string& id) const {
    for (const auto& process : marked_processes({id})) {
      const auto line = read_file("/proc/" + std::to_string(process.pid) + "/cmdline");
      if (line && line->find((options_.folder / id).native()) != std::string::npos) return process;
    }
    return {};
  }
  pid_t noted_runner(const std::string& id) const {
    const auto note = read_file(options_.folder / id / "runner.json");
    return note ? std::atoi(note->c_str() + std::string_view("{\"pid\": ").size()) : 0;
  }
  /// Signals the runner, or does what ends it, and waits for the next one to be up.
  bool followed_by_another(
      const std::string& id, int signal, const std::function<void()>& action = [] {}) {
    const pid_t before = noted_runner(id);
    fs::remove(options_.folder / id / "up");
    if (signal != 0) ::kill(before, signal);
    action();
    return eventually([&] { return noted_runner(id) != before && has(id, "up"); });
  }
  std::int64_t rows() {
    std::int64_t count = -1;
    (void)ledger_->read([&](storage::Connection& db) -> Status {
      auto statement = db.prepare("SELECT count(*) FROM jobs");
      TRY(const bool there, statement.step());
      if (there) count = statement.integer(0);
      return {};
    });
    return count;
  }

  static Report report(const std::string& id, std::uint64_t number, Phase phase = Phase::kTraining,
                       Outcome outcome = Outcome::kNone) {
    Report out;
    out.job_id = id;
    out.host = "algo-1";
    out.number = number;
    out.phase = phase;
    out.outcome = outcome;
    return out;
  }
  Status say(const Report& said) { return jobs_->intake("token-" + said.job_id, said); }
  Status end(const std::string& id, std::uint64_t number = 5, Outcome outcome = Outcome::kCompleted) {
    return say(report(id, number, Phase::kFinished, outcome));
  }

  TempFolder home_ = *TempFolder::make(fs::temp_directory_path(), "jobs-");
  Options options_;
  std::string python_;
  ManualClock clock_;
  RandomIds ids_;
  FakeListener listener_;
  std::unique_ptr<storage::Ledger> ledger_;
  std::unique_ptr<Jobs> jobs_;
  std::vector<std::string> ids_used_;
};

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
