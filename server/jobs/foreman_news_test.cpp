// A placement that queues by itself: it gets every job at once, and says how they end.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/jobs/fakes.hpp"
#include "server/jobs/foreman.hpp"

namespace sagelet::jobs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using What = News::What;

class PlayedQueue final : public Placement {
 public:
  Status probe() override { return {}; }
  Capabilities capabilities() const override { return {.several_hosts = true, .queues = true}; }
  Result<Handle> start(const JobSpec& spec) override {
    there.insert(spec.job_id);
    return spec.job_id;
  }
  std::optional<Handle> find(const std::string& id) override {
    return there.contains(id) ? std::optional(id) : std::nullopt;
  }
  bool alive(const Handle& handle) override { return there.contains(handle); }
  Result<UniqueFd> watch(const Handle& handle) override {
    if (alive(handle)) return UniqueFd();
    return Error(ErrorKind::kNotFound, "gone");
  }
  void stop(const Handle& handle) override { stopped.push_back(handle); }
  void kill(const std::vector<std::string>& ids, const std::vector<Handle>&) override {
    for (const auto& id : ids) there.erase(id);
  }
  std::vector<Report> left_reports(const std::string&) override { return left; }
  std::string noted_end(const std::string&) override { return {}; }
  TakeUp take_up(const std::string&) override { return TakeUp::kNo; }
  Status readdress(const std::string&, const std::string&) override { return {}; }
  Status remove(const std::string& id) override {
    removed.push_back(id);
    return {};
  }
  std::vector<std::string> folders() override { return {}; }
  std::vector<News> news() override { return std::exchange(said, {}); }

  std::set<std::string> there;
  std::vector<std::string> stopped, removed;
  std::vector<Report> left;
  std::vector<News> said;
};

class Interrupts final : public Listener {
 public:
  void pending(const std::string& id, const std::string& message) override {
    told.push_back(id + ": " + message);
  }
  Status report(const Report& report) override {
    reports.push_back(report);
    return {};
  }
  Status lost(const std::string& id, const std::string& why) override {
    told.push_back(id + " lost: " + why);
    return {};
  }
  Status interrupted(const std::string& id, const std::string& why) override {
    told.push_back(id + " interrupted: " + why);
    return {};
  }
  std::vector<std::string> told;
  std::vector<Report> reports;
};

class ForemanNews : public testing::Test {
 protected:
  void SetUp() override {
    options_.folder = home_.path();
    ledger_ = *storage::Ledger::open(home_.path() / "ledger.db", storage::Durability::kProcess);
    make();
  }
  void make() {
    foreman_ = std::make_unique<Foreman>(options_, *ledger_, clock_, queue_, std::vector<int>{0});
    foreman_->listen("training", &listener_);
    foreman_->adopt();
  }
  void create(const std::string& id) {
    JobSpec spec;
    spec.job_id = id;
    Row row{.position = ++position_, .job_id = id, .kind = "training", .want = {4, 1}, .token = "t"};
    ASSERT_TRUE(ledger_->commit_and_wait(
        [=, json = spec.to_json()](storage::Connection& db) { return Rows::insert(db, row, json); }));
    foreman_->look();
  }
  void say(const std::string& id, What what, std::string text = {}) {
    if (what != What::kPending && what != What::kStarted) queue_.there.erase(id);
    queue_.said.push_back({id, what, std::move(text)});
    foreman_->turn({});
  }
  Status report(const std::string& id, Phase phase, Outcome outcome = Outcome::kNone) {
    Report out;
    out.job_id = id;
    out.number = ++number_;
    out.phase = phase;
    out.outcome = outcome;
    return foreman_->intake("t", out);
  }

  TempFolder home_ = *TempFolder::make(fs::temp_directory_path(), "news-");
  Options options_;
  ManualClock clock_;
  std::unique_ptr<storage::Ledger> ledger_;
  PlayedQueue queue_;
  Interrupts listener_;
  std::unique_ptr<Foreman> foreman_;
  std::int64_t position_ = 0;
  std::uint64_t number_ = 0;
};

TEST_F(ForemanNews, EveryJobIsHandedOverAtOnceWhateverItsSize) {
  for (const char* id : {"a", "b", "c"}) create(id);
  EXPECT_EQ(queue_.there.size(), 3u);
  EXPECT_EQ(foreman_->counts().running, 3);
  say("a", What::kPending, "Resources");
  say("a", What::kPending, "Resources");
  EXPECT_THAT(listener_.told, ElementsAre("a: Resources"));
  EXPECT_EQ(foreman_->counts().queued, 1);
  say("a", What::kStarted);
  EXPECT_EQ(foreman_->counts().queued, 0);
}

TEST_F(ForemanNews, AFailureIsTheJobsLastReport) {
  create("a");
  ASSERT_TRUE(report("a", Phase::kTraining));
  say("a", What::kFailed, "CapacityError: x");
  ASSERT_EQ(listener_.reports.size(), 2u);
  EXPECT_EQ(listener_.reports[1].outcome, Outcome::kFailed);
  EXPECT_EQ(listener_.reports[1].failure_reason, "CapacityError: x");
  EXPECT_EQ(foreman_->counts().running, 0);
}

TEST_F(ForemanNews, ATimeLimitIsMaxRuntimeExceeded) {
  create("a");
  say("a", What::kMaxRuntimeExceeded);
  ASSERT_EQ(listener_.reports.size(), 1u);
  EXPECT_EQ(listener_.reports[0].outcome, Outcome::kMaxRuntimeExceeded);
}

TEST_F(ForemanNews, AStopThatNobodyHereAskedForIsNotTheJobsEnd) {
  create("a");
  ASSERT_TRUE(report("a", Phase::kTraining));
  ASSERT_TRUE(report("a", Phase::kFinished, Outcome::kStopped));
  EXPECT_EQ(listener_.reports.size(), 1u);
  say("a", What::kInterrupted, "preempted");
  EXPECT_THAT(listener_.told, ElementsAre("a interrupted: preempted"));
  create("b");
  ASSERT_TRUE(report("b", Phase::kFinished, Outcome::kStopped));
  say("b", What::kGone, "ended");
  ASSERT_EQ(listener_.reports.size(), 2u);
  EXPECT_THAT(listener_.reports[1].failure_reason, testing::HasSubstr("told to stop in Slurm"));
}

TEST_F(ForemanNews, AStopOfOursIsStoppedHoweverSlurmCallsIt) {
  for (const auto what : {What::kCancelled, What::kInterrupted, What::kGone}) {
    const auto id = "j" + std::to_string(static_cast<int>(what));
    listener_.reports.clear();
    create(id);
    foreman_->stop(id);
    EXPECT_EQ(queue_.stopped.back(), id);
    say(id, what, "InternalServerError: cancelled");
    ASSERT_EQ(listener_.reports.size(), 1u);
    EXPECT_EQ(listener_.reports[0].outcome, Outcome::kStopped);
  }
}

TEST_F(ForemanNews, TheRunnersOwnLastWordWinsOverSlurms) {
  create("a");
  Report last;
  last.job_id = "a";
  last.number = 9;
  last.phase = Phase::kFinished;
  last.outcome = Outcome::kCompleted;
  queue_.left = {last};
  say("a", What::kFailed, "InternalServerError: node");
  ASSERT_EQ(listener_.reports.size(), 1u);
  EXPECT_EQ(listener_.reports[0].outcome, Outcome::kCompleted);
}

TEST_F(ForemanNews, WhatWasForgottenBeforeItBeganIsHandedOverAgainThoughNotForEver) {
  create("a");
  for (int again = 0; again < 3; ++again) {
    say("a", What::kForgotten, "not known");
    EXPECT_TRUE(queue_.there.contains("a"));
    EXPECT_EQ(foreman_->counts().running, 1);
  }
  EXPECT_THAT(listener_.told, IsEmpty());
  say("a", What::kForgotten, "not known");
  EXPECT_THAT(listener_.told, ElementsAre("a lost: not known"));
}

TEST_F(ForemanNews, WhatReportedBeforeItWasForgottenIsLost) {
  create("a");
  ASSERT_TRUE(report("a", Phase::kTraining));
  say("a", What::kForgotten, "not known");
  EXPECT_THAT(listener_.told, ElementsAre("a lost: not known"));
  create("b");
  ASSERT_TRUE(report("b", Phase::kFinished, Outcome::kStopped));
  say("b", What::kForgotten, "not known");
  EXPECT_FALSE(queue_.there.contains("b"));
}

TEST_F(ForemanNews, WhatWasForgottenWhileItWasToStopIsStopped) {
  create("a");
  foreman_->stop("a");
  say("a", What::kForgotten, "not known");
  ASSERT_EQ(listener_.reports.size(), 1u);
  EXPECT_EQ(listener_.reports[0].outcome, Outcome::kStopped);
  EXPECT_FALSE(queue_.there.contains("a"));
}

TEST_F(ForemanNews, WhatIsThereIsTakenBackAndWhatEndsThenIsHeard) {
  create("a");
  foreman_.reset();
  make();
  EXPECT_EQ(foreman_->counts().running, 1);
  say("a", What::kGone, "without a word");
  EXPECT_THAT(listener_.told, ElementsAre("a lost: without a word"));
}

TEST_F(ForemanNews, ACompletedJobsFolderGoesWhenSlurmHasItAsEnded) {
  create("a");
  ASSERT_TRUE(report("a", Phase::kFinished, Outcome::kCompleted));
  EXPECT_THAT(queue_.removed, IsEmpty());
  say("a", What::kGone);
  EXPECT_THAT(queue_.removed, ElementsAre("a"));
}

}  // namespace
}  // namespace sagelet::jobs
