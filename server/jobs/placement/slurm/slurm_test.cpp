// The placement over a Slurm that is played: what real ones do rarely.
#include "server/jobs/placement/slurm/slurm.hpp"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/jobs/fakes.hpp"

namespace sagelet::jobs::slurm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using What = News::What;

/// What slurmctld knows; outlives placements.
struct Cluster {
  std::mutex mutex;
  std::vector<Listed> jobs;
  int next = 1, lists = 0;
  bool away = false;
  bool hidden = false;  ///< from the next list
  bool ignores_cancel = false;
  int lost_answers = 0;  ///< submissions that are accepted while nobody hears of it
  std::optional<Error> refuses;
  std::vector<std::string> terminated, killed, cancelled, sent;

  void set(const std::string& id, std::string state, std::string reason = "None") {
    const std::lock_guard lock(mutex);
    for (auto& job : jobs)
      if (job.id == id) job.state = std::move(state), job.reason = std::move(reason), job.nodes = "n1";
  }
  void forget() {
    const std::lock_guard lock(mutex);
    jobs.clear();
  }
  void hide_once() {
    const std::lock_guard lock(mutex);
    hidden = true;
  }
  std::size_t size() {
    const std::lock_guard lock(mutex);
    return jobs.size();
  }
  template <class T>
  T get(T Cluster::*member) {
    const std::lock_guard lock(mutex);
    return this->*member;
  }
  template <class T>
  void put(T Cluster::*member, T value) {
    const std::lock_guard lock(mutex);
    this->*member = std::move(value);
  }
};

class PlayedCommands final : public Commands {
 public:
  explicit PlayedCommands(Cluster& cluster) : cluster_(cluster) {}
  Status probe() override { return {}; }
  Result<std::string> submit(const std::vector<std::string>& words, const std::string&,
                             const std::vector<std::string>&) override {
    const std::lock_guard lock(cluster_.mutex);
    if (cluster_.away) return gone();
    if (cluster_.refuses) return *cluster_.refuses;
    std::string job_id;
    for (const auto& word : words)
      if (word.starts_with("--comment=")) job_id = word.substr(10, word.find(' ') - 10);
    const auto id = std::to_string(cluster_.next++);
    cluster_.jobs.push_back({id, "PENDING", "None", "", job_id});
    if (cluster_.lost_answers > 0 && cluster_.lost_answers-- > 0)
      return Error(ErrorKind::kTimeout, "no answer");
    return id;
  }
  Result<std::vector<Listed>> list() override {
    const std::lock_guard lock(cluster_.mutex);
    if (cluster_.away) return gone();
    ++cluster_.lists;
    if (std::exchange(cluster_.hidden, false)) return std::vector<Listed>();
    return cluster_.jobs;
  }
  Result<bool> has_node_up(const std::string&) override { return true; }
  Result<Shown> show(const std::string&) override { return Shown{{"ExitCode", "0:9"}}; }
  Status terminate(const std::string& id) override { return add(cluster_.terminated, {id}); }
  Status cancel_waiting(const std::vector<std::string>& ids) override {
    TRY(add(cluster_.cancelled, ids));
    const std::lock_guard lock(cluster_.mutex);
    for (auto& job : cluster_.jobs)
      if (!cluster_.ignores_cancel && job.waits() && std::ranges::find(ids, job.id) != ids.end())
        job.state = "CANCELLED";
    return {};
  }
  Status kill(const std::vector<std::string>& ids) override {
    TRY(add(cluster_.killed, ids));
    const std::lock_guard lock(cluster_.mutex);
    for (auto& job : cluster_.jobs)
      if (std::ranges::find(ids, job.id) != ids.end()) job.state = "CANCELLED";
    return {};
  }
  Status send(const std::string&, const std::string&, const std::string& place) override {
    return add(cluster_.sent, {place});
  }

 private:
  static Error gone() { return {ErrorKind::kUnavailable, "Unable to contact slurm controller"}; }
  Status add(std::vector<std::string>& to, const std::vector<std::string>& ids) {
    const std::lock_guard lock(cluster_.mutex);
    if (cluster_.away) return gone();
    to.insert(to.end(), ids.begin(), ids.end());
    return {};
  }
  Cluster& cluster_;
};

class SlurmTest : public testing::Test {
 protected:
  void SetUp() override {
    settings_.runner = "/opt/runner";
    make();
  }
  void make() {
    placement_.reset();
    placement_ = std::make_unique<SlurmPlacement>(SlurmOptions{.settings = settings_,
                                                               .runner = "/bin/true",
                                                               .folder = home_.path() / "jobs",
                                                               .tick = std::chrono::milliseconds(20)},
                                                  std::make_unique<PlayedCommands>(cluster_));
  }
  void start(const std::string& id) {
    JobSpec spec;
    spec.job_id = id;
    spec.name = id;
    ASSERT_TRUE(placement_->start(spec));
  }
  void start_and_submit(const std::string& id, std::size_t jobs = 1) {
    start(id);
    ASSERT_TRUE(eventually(
        [&] { return fs::exists(home_.path() / "jobs" / id / "slurm_job") && cluster_.size() == jobs; }));
  }
  bool hears(What what) {
    return eventually([&] {
      for (auto& news : placement_->news()) heard_.push_back(std::move(news));
      return std::ranges::find(heard_, what, &News::what) != heard_.end();
    });
  }
  std::string text(What what) {
    const auto found = std::ranges::find(heard_, what, &News::what);
    return found == heard_.end() ? "" : found->text;
  }
  void two_lists() {
    const int before = cluster_.get(&Cluster::lists);
    ASSERT_TRUE(eventually([&] { return cluster_.get(&Cluster::lists) >= before + 3; }));
  }

  Cluster cluster_;
  Settings settings_;
  TempFolder home_ = *TempFolder::make(fs::temp_directory_path(), "slurm-");
  std::unique_ptr<SlurmPlacement> placement_;
  std::vector<News> heard_;
};

TEST_F(SlurmTest, TellsWhyAJobWaitsThatItStartedAndHowItEnded) {
  start_and_submit("a");
  cluster_.set("1", "PENDING", "Resources");
  ASSERT_TRUE(hears(What::kPending));
  cluster_.set("1", "RUNNING");
  ASSERT_TRUE(hears(What::kStarted));
  cluster_.set("1", "NODE_FAIL");
  ASSERT_TRUE(hears(What::kFailed));
  EXPECT_THAT(text(What::kFailed), HasSubstr("on n1"));
  EXPECT_FALSE(placement_->alive("a"));
}

TEST_F(SlurmTest, AnAbsentSlurmctldIsWaitedFor) {
  start_and_submit("a");
  cluster_.put(&Cluster::away, true);
  start("b");
  make();
  EXPECT_TRUE(placement_->alive("a"));
  EXPECT_TRUE(placement_->alive("b"));
  placement_->stop("a");
  cluster_.put(&Cluster::away, false);
  EXPECT_TRUE(eventually([&] { return cluster_.size() == 2; }));
  EXPECT_TRUE(hears(What::kCancelled));
}

TEST_F(SlurmTest, ASubmissionWhoseAnswerWasLostIsNotMadeTwice) {
  cluster_.lost_answers = 1;
  start("a");
  ASSERT_TRUE(eventually([&] { return fs::exists(home_.path() / "jobs/a/slurm_job"); }));
  two_lists();
  EXPECT_EQ(cluster_.size(), 1u);
}

TEST_F(SlurmTest, AServerThatDiedBeforeItNotedTheNumberFindsTheJob) {
  start_and_submit("a");
  placement_.reset();
  fs::remove(home_.path() / "jobs/a/slurm_job");
  make();
  two_lists();
  EXPECT_EQ(cluster_.size(), 1u);
  EXPECT_TRUE(fs::exists(home_.path() / "jobs/a/slurm_job"));
}

TEST_F(SlurmTest, WhatSlurmHasTwiceIsCancelledOnce) {
  start_and_submit("a");
  {
    const std::lock_guard lock(cluster_.mutex);
    cluster_.jobs.push_back({"77", "PENDING", "None", "", "a"});
  }
  EXPECT_TRUE(eventually([&] { return cluster_.get(&Cluster::killed) == std::vector<std::string>{"77"}; }));
  EXPECT_TRUE(placement_->alive("a"));
}

TEST_F(SlurmTest, AJobThatSlurmForgotBeforeItRanCanBeStartedAgain) {
  start_and_submit("a");
  make();
  cluster_.forget();
  ASSERT_TRUE(hears(What::kForgotten));
  EXPECT_EQ(cluster_.size(), 0u);
  start_and_submit("a");
  cluster_.set("2", "RUNNING");
  ASSERT_TRUE(hears(What::kStarted));
}

TEST_F(SlurmTest, AJobThatSlurmForgotWhileItRanIsGone) {
  start_and_submit("a");
  cluster_.set("1", "RUNNING");
  ASSERT_TRUE(hears(What::kStarted));
  make();  // it knows that from the folder
  cluster_.forget();
  ASSERT_TRUE(hears(What::kGone));
  EXPECT_EQ(cluster_.size(), 0u);
}

TEST_F(SlurmTest, ARunningJobIsTerminatedOnceAndAWaitingOneCancelled) {
  start_and_submit("a");
  start_and_submit("b", 2);
  cluster_.set("1", "RUNNING");
  ASSERT_TRUE(hears(What::kStarted));
  placement_->stop("a");
  placement_->stop("a");
  placement_->stop("b");
  ASSERT_TRUE(hears(What::kCancelled));
  two_lists();
  EXPECT_THAT(cluster_.get(&Cluster::terminated), ElementsAre("1"));
  EXPECT_FALSE(placement_->alive("b"));
}

TEST_F(SlurmTest, ARefusalEndsTheJobWithItsReason) {
  cluster_.refuses = Error(ErrorKind::kNoSpace, "Requested node configuration is not available");
  start("a");
  ASSERT_TRUE(hears(What::kFailed));
  EXPECT_THAT(text(What::kFailed),
              testing::StartsWith("CapacityError: Slurm refuses the job: Requested node"));
  heard_.clear();
  cluster_.put(&Cluster::refuses, std::optional(Error(ErrorKind::kInvalid, "invalid account")));
  start("b");
  ASSERT_TRUE(hears(What::kFailed));
  EXPECT_THAT(text(What::kFailed),
              testing::StartsWith("InternalServerError: Slurm refuses the job: invalid"));
}

TEST_F(SlurmTest, WhatNoNodeCanTakeIsGivenUpAfterATime) {
  settings_.capacity_wait = std::chrono::seconds(3);  // longer than a busy machine stalls
  make();
  start_and_submit("a");
  cluster_.set("1", "PENDING", "PartitionDown");
  two_lists();
  EXPECT_THAT(cluster_.get(&Cluster::cancelled), IsEmpty());
  ASSERT_TRUE(hears(What::kFailed));
  EXPECT_THAT(text(What::kFailed), testing::StartsWith("CapacityError"));
  EXPECT_THAT(text(What::kFailed), HasSubstr("PartitionDown"));
}

TEST_F(SlurmTest, WhatIsHopelessForAMomentIsNotGivenUp) {
  settings_.capacity_wait = std::chrono::seconds(3);  // longer than a busy machine stalls
  make();
  start_and_submit("a");
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(3500);
  while (std::chrono::steady_clock::now() < until)
    for (const char* reason : {"PartitionDown", "Resources"}) {
      cluster_.set("1", "PENDING", reason);
      two_lists();
    }
  EXPECT_THAT(cluster_.get(&Cluster::cancelled), IsEmpty());
  EXPECT_TRUE(placement_->alive("a"));
}

TEST_F(SlurmTest, AJobThatIsMissingInOneListIsNotGone) {
  start_and_submit("a");
  cluster_.hide_once();
  two_lists();
  EXPECT_THAT(placement_->news(), testing::Each(testing::Field(&News::what, What::kPending)));
  EXPECT_TRUE(placement_->alive("a"));
}

TEST_F(SlurmTest, AJobThatSlurmForgotWhileItWasToStopIsCancelled) {
  start_and_submit("a");
  cluster_.put(&Cluster::away, true);
  placement_->stop("a");
  cluster_.forget();
  cluster_.put(&Cluster::away, false);
  ASSERT_TRUE(hears(What::kCancelled));
}

TEST_F(SlurmTest, AStopWhileTheJobIsSubmittedReachesIt) {
  cluster_.lost_answers = 1;  // it is unsure where the job is, when the stop comes
  start("a");
  ASSERT_TRUE(eventually([&] { return cluster_.size() == 1; }));
  placement_->stop("a");
  ASSERT_TRUE(hears(What::kCancelled));
  EXPECT_THAT(cluster_.get(&Cluster::cancelled), testing::Contains("1"));
}

TEST_F(SlurmTest, AStopThatCrossesTheStartTerminates) {
  start_and_submit("a");
  cluster_.ignores_cancel = true;  // it started a moment before
  placement_->stop("a");
  ASSERT_TRUE(eventually([&] { return !cluster_.get(&Cluster::cancelled).empty(); }));
  cluster_.set("1", "RUNNING");
  ASSERT_TRUE(eventually([&] { return cluster_.get(&Cluster::terminated).size() == 1; }));
}

TEST_F(SlurmTest, OneListServesAllJobs) {
  for (int i = 0; i < 100; ++i) start(std::to_string(i));
  ASSERT_TRUE(eventually([&] { return cluster_.size() == 100; }));
  EXPECT_LT(cluster_.get(&Cluster::lists), 50);
}

TEST_F(SlurmTest, ARunnerIsSentWholeBeforeItsMark) {
  settings_.runner.clear();
  make();
  start_and_submit("a");
  EXPECT_THAT(cluster_.get(&Cluster::sent), IsEmpty());
  cluster_.set("1", "RUNNING");
  ASSERT_TRUE(eventually([&] { return cluster_.get(&Cluster::sent).size() == 2; }));
  EXPECT_THAT(cluster_.get(&Cluster::sent),
              ElementsAre("/tmp/sagelet-runner-a", "/tmp/sagelet-runner-a.whole"));
}

TEST_F(SlurmTest, RemovingAJobThatIsStillThereEndsIt) {
  start_and_submit("a");
  ASSERT_TRUE(placement_->remove("a"));
  EXPECT_TRUE(eventually([&] { return cluster_.get(&Cluster::killed) == std::vector<std::string>{"1"}; }));
  EXPECT_FALSE(placement_->alive("a"));
}

TEST_F(SlurmTest, KillWaitsUntilSlurmSaysSo) {
  start_and_submit("a");
  cluster_.set("1", "RUNNING");
  placement_->kill({"a", "nobody"}, {});
  EXPECT_FALSE(placement_->alive("a"));
  EXPECT_EQ(cluster_.get(&Cluster::killed).front(), "1");
}

}  // namespace
}  // namespace sagelet::jobs::slurm
