#include "server/services/sagemaker/fixture.hpp"

namespace sagelet::sagemaker {
namespace {

using Statuses = std::vector<std::string>;

class Attempts : public Fixture {
 protected:
  Document spot(const std::string& name) {
    Document params = request(name);
    params["EnableManagedSpotTraining"] = true;
    params["StoppingCondition"]["MaxWaitTimeInSeconds"] = 7200;
    params["CheckpointConfig"] = {{"S3Uri", "s3://bucket/checkpoints"}};
    return params;
  }
  static Document retried(const std::string& name, int times) {
    Document params = request(name);
    params["RetryStrategy"] = {{"MaximumRetryAttempts", times}};
    return params;
  }
  void create(const Document& params) { desk.get(*service, "CreateTrainingJob", params); }
  void train() {
    reports = 0;
    for (const auto phase : {Phase::kStarting, Phase::kDownloading, Phase::kTraining}) say(report(phase));
  }
  Status interrupt(const std::string& name) {
    return service->interrupt(AccountId("000000000000"), "us-east-1", name);
  }
  void lose() { ASSERT_TRUE(service->training_listener().lost(jobs.queued.back().spec.job_id, "killed")); }
};

TEST_F(Attempts, AnInterruptedSpotJobStartsAgainAndSavesMoney) {
  create(spot("one"));
  train();
  ASSERT_TRUE(interrupt("one"));
  EXPECT_EQ(describe("one")["SecondaryStatus"], "Interrupted");
  EXPECT_EQ(jobs.stopped, Statuses{jobs.queued[0].spec.job_id});
  const auto last = end(Outcome::kStopped);
  say(last);
  say(last);  // again, after a crash between the two writes
  ASSERT_EQ(jobs.queued.size(), 2u);
  EXPECT_EQ(jobs.queued[1].spec.checkpoint_uri, "s3://bucket/checkpoints");
  EXPECT_NE(jobs.queued[1].spec.job_id, jobs.queued[0].spec.job_id);
  EXPECT_NE(jobs.queued[1].spec.log_stream, jobs.queued[0].spec.log_stream);
  EXPECT_EQ(jobs.queued[1].spec.role_arn, jobs.queued[0].spec.role_arn);
  const auto kept = credentials.find(jobs.queued[1].spec.access_key);
  ASSERT_TRUE(kept);  // and those of the first attempt are the first attempt's
  EXPECT_EQ(kept->job_id, jobs.queued[1].spec.job_id);
  EXPECT_EQ(kept->secret_key, jobs.queued[1].spec.secret_key);
  EXPECT_EQ(credentials.find(jobs.queued[0].spec.access_key)->job_id, jobs.queued[0].spec.job_id);
  EXPECT_EQ(describe("one")["TrainingJobStatus"], "InProgress");
  train();
  say(end(Outcome::kCompleted));
  const auto job = describe("one");
  EXPECT_EQ(history(job), (Statuses{"Starting", "Downloading", "Training", "Interrupted", "Starting",
                                    "Downloading", "Training", "Completed"}));
  EXPECT_EQ(job["TrainingTimeInSeconds"], 40);  // 20 s in each attempt
  EXPECT_EQ(job["BillableTimeInSeconds"], 12);
  EXPECT_FALSE(job.contains("FailureReason"));
}

TEST_F(Attempts, AMachineThatIsTakenAwayInterruptsASpotJob) {
  create(spot("one"));
  train();
  ASSERT_TRUE(service->training_listener().interrupted(jobs.queued[0].spec.job_id, "preempted"));
  ASSERT_TRUE(service->training_listener().interrupted(jobs.queued[0].spec.job_id, "preempted"));  // again
  ASSERT_EQ(jobs.queued.size(), 2u);
  train();
  say(end(Outcome::kCompleted));
  EXPECT_EQ(history(describe("one")), (Statuses{"Starting", "Downloading", "Training", "Interrupted",
                                                "Starting", "Downloading", "Training", "Completed"}));
  create(request("two"));
  ASSERT_TRUE(service->training_listener().interrupted(jobs.queued[2].spec.job_id, "preempted"));
  EXPECT_EQ(describe("two")["TrainingJobStatus"], "Failed");
  EXPECT_TRUE(std::string(describe("two")["FailureReason"]).starts_with("InternalServerError"));
}

TEST_F(Attempts, AttemptsShareTheTimeThatAJobMayRun) {
  auto params = spot("one");
  params["StoppingCondition"]["MaxRuntimeInSeconds"] = 30;
  create(params);
  train();
  ASSERT_TRUE(interrupt("one"));
  say(end(Outcome::kStopped));
  EXPECT_EQ(jobs.queued.at(1).spec.max_runtime_seconds, 10);
  train();
  ASSERT_TRUE(interrupt("one"));
  say(end(Outcome::kStopped));
  EXPECT_EQ(jobs.queued.size(), 2u);
  EXPECT_EQ(describe("one")["SecondaryStatus"], "MaxRuntimeExceeded");
}

TEST_F(Attempts, AnAttemptThatEndedByItselfBeforeItsMachineWentIsTheEnd) {
  create(spot("one"));
  train();
  ASSERT_TRUE(interrupt("one"));
  say(end(Outcome::kCompleted));
  EXPECT_EQ(describe("one")["TrainingJobStatus"], "Completed");
  EXPECT_EQ(jobs.queued.size(), 1u);
}

TEST_F(Attempts, OnlyARunningSpotJobIsInterrupted) {
  create(request("plain"));
  train();
  EXPECT_TRUE(interrupt("plain").error().is(ErrorKind::kInvalid));
  EXPECT_TRUE(interrupt("none").error().is(ErrorKind::kNotFound));
  create(spot("spot"));
  desk.get(*service, "StopTrainingJob", {{"TrainingJobName", "spot"}});
  EXPECT_TRUE(interrupt("spot").error().is(ErrorKind::kInvalid));
}

TEST_F(Attempts, AJobIsPendingNoLongerThanItMayBe) {
  for (const char* name : {"waits", "runs"}) {
    Document params = request(name);
    params["StoppingCondition"]["MaxPendingTimeInSeconds"] = 1800;
    create(params);
  }
  const auto first = jobs.queued.at(0).spec.job_id;
  train();  // the later one, in 30 s
  desk.clock.advance(std::chrono::seconds(1769));
  service->run_due();
  EXPECT_TRUE(jobs.stopped.empty());
  desk.clock.advance(std::chrono::seconds(2));
  service->run_due();
  EXPECT_EQ(jobs.stopped, Statuses{first});
  EXPECT_EQ(describe("waits")["TrainingJobStatus"], "Stopping");
  EXPECT_EQ(describe("runs")["TrainingJobStatus"], "InProgress");
  service->run_due();
  EXPECT_EQ(jobs.stopped.size(), 1u);
}

TEST_F(Attempts, AnInterruptionWhoseStopWasLostIsToldAgain) {
  create(spot("one"));
  train();
  ASSERT_TRUE(interrupt("one"));
  jobs.stopped.clear();  // the server was killed before the runner heard of it
  desk.clock.advance(std::chrono::seconds(6));
  service->run_due();
  EXPECT_EQ(jobs.stopped, Statuses{jobs.queued[0].spec.job_id});
  say(end(Outcome::kStopped));
  jobs.stopped.clear();
  desk.clock.advance(std::chrono::seconds(60));
  service->run_due();
  EXPECT_TRUE(jobs.stopped.empty());
}

TEST_F(Attempts, TheConfigInterruptsEverySpotJobOnce) {
  service = make_sagemaker({desk.ledger(),
                            jobs,
                            objects,
                            credentials,
                            desk.clock,
                            random,
                            {.spot_interrupt_after = std::chrono::seconds(30)}});
  create(spot("one"));
  train();
  service->run_due();
  EXPECT_EQ(describe("one")["SecondaryStatus"], "Training");
  desk.clock.advance(std::chrono::seconds(30));
  service->run_due();
  EXPECT_EQ(describe("one")["SecondaryStatus"], "Interrupted");
  say(end(Outcome::kStopped));
  train();
  desk.clock.advance(std::chrono::seconds(60));
  service->run_due();
  EXPECT_EQ(describe("one")["SecondaryStatus"], "Training");
}

TEST_F(Attempts, ASpotJobThatWaitedTooLongIsStopped) {
  create(spot("one"));
  train();
  desk.clock.advance(std::chrono::hours(2));
  service->run_due();
  EXPECT_EQ(describe("one")["TrainingJobStatus"], "Stopping");
  EXPECT_EQ(jobs.stopped, Statuses{jobs.queued[0].spec.job_id});
  say(end(Outcome::kStopped));
  const auto job = describe("one");
  EXPECT_EQ(job["TrainingJobStatus"], "Stopped");
  EXPECT_EQ(job["SecondaryStatus"], "MaxWaitTimeExceeded");
  EXPECT_EQ(jobs.queued.size(), 1u);
}

TEST_F(Attempts, AnInternalErrorIsRetriedAsOftenAsWanted) {
  create(retried("one", 1));
  train();
  lose();
  ASSERT_EQ(jobs.queued.size(), 2u);
  auto job = describe("one");
  EXPECT_EQ(job["TrainingJobStatus"], "InProgress");
  EXPECT_EQ(job["SecondaryStatusTransitions"].back()["StatusMessage"],
            "Launched instance was unhealthy, replacing it!");
  train();
  auto last = end(Outcome::kFailed);
  last.failure_reason = "InternalServerError: We encountered an internal error. Please try again.";
  say(last);
  job = describe("one");
  EXPECT_EQ(jobs.queued.size(), 2u);
  EXPECT_EQ(job["TrainingJobStatus"], "Failed");
  EXPECT_EQ(job["FailureReason"], last.failure_reason);
  EXPECT_EQ(job["BillableTimeInSeconds"], job["TrainingTimeInSeconds"]);
}

TEST_F(Attempts, AnAlgorithmErrorIsNotRetriedNorIsAJobThatIsStopping) {
  create(retried("one", 3));
  train();
  auto last = end(Outcome::kFailed);
  last.failure_reason = "AlgorithmError: , exit code: 1";
  say(last);
  EXPECT_EQ(describe("one")["TrainingJobStatus"], "Failed");
  create(retried("two", 3));
  train();
  desk.get(*service, "StopTrainingJob", {{"TrainingJobName", "two"}});
  lose();
  EXPECT_EQ(describe("two")["TrainingJobStatus"], "Failed");
  EXPECT_EQ(jobs.queued.size(), 2u);
}

TEST_F(Attempts, AStopMeetsTheRunThatIsUnderWay) {
  create(retried("one", 1));
  train();
  lose();
  desk.get(*service, "StopTrainingJob", {{"TrainingJobName", "one"}});
  EXPECT_EQ(jobs.stopped, Statuses{jobs.queued[1].spec.job_id});
}

class WarmPools : public Attempts {
 protected:
  static Document warm(const std::string& name, int seconds = 600) {
    Document params = request(name);
    params["ResourceConfig"]["KeepAlivePeriodInSeconds"] = seconds;
    return params;
  }
  void run(const Document& params) {
    create(params);
    train();
    say(end(Outcome::kCompleted));
  }
  std::string pool(const std::string& name) {
    const auto job = describe(name);
    return job.contains("WarmPoolStatus") ? job["WarmPoolStatus"]["Status"].get<std::string>() : "";
  }
};

TEST_F(WarmPools, TheNextJobThatFitsStartsAtOnceInThePoolOfTheFormer) {
  run(warm("one"));
  EXPECT_EQ(pool("one"), "Available");
  desk.clock.advance(std::chrono::seconds(100));
  create(warm("two"));
  EXPECT_EQ(pool("two"), "InUse");
  const auto former = describe("one")["WarmPoolStatus"];
  EXPECT_EQ(former["Status"], "Reused");
  EXPECT_EQ(former["ReusedByJob"], "two");
  EXPECT_EQ(former["ResourceRetainedBillableTimeInSeconds"], 100);
  EXPECT_TRUE(jobs.queued[1].outside_queue);
  EXPECT_NE(jobs.queued[0].spec.warmpool_cache, "");
  EXPECT_EQ(jobs.queued[1].spec.warmpool_cache, jobs.queued[0].spec.warmpool_cache);
  train();
  say(end(Outcome::kCompleted));
  EXPECT_EQ(pool("two"), "Available");
}

TEST_F(WarmPools, AreFoundAgainAfterARestart) {
  run(warm("one"));
  service = make_sagemaker({desk.ledger(), jobs, objects, credentials, desk.clock, random});
  create(request("two"));
  EXPECT_EQ(pool("two"), "InUse");
}

TEST_F(WarmPools, AJobThatDiffersInAnythingThatMattersDoesNotFit) {
  run(warm("one"));
  const std::vector<std::pair<std::string, Document>> differences = {
      {"/RoleArn", "arn:aws:iam::000000000000:role/Another"},
      {"/ResourceConfig/VolumeSizeInGB", 31},
      {"/ResourceConfig/VolumeKmsKeyId", "key"},
      {"/ResourceConfig/InstanceCount", 2},
      {"/ResourceConfig/InstanceType", "ml.m5.2xlarge"},
      {"/VpcConfig", {{"SecurityGroupIds", {"sg-1"}}, {"Subnets", {"subnet-1"}}}},
      {"/EnableNetworkIsolation", true},
      {"/EnableInterContainerTrafficEncryption", true}};
  for (std::size_t i = 0; i < differences.size(); ++i) {
    auto other = warm("other-" + std::to_string(i));
    other[Document::json_pointer(differences[i].first)] = differences[i].second;
    create(other);
    EXPECT_EQ(pool("one"), "Available") << differences[i].first;
    EXPECT_FALSE(jobs.queued.back().outside_queue);
    EXPECT_NE(jobs.queued.back().spec.warmpool_cache, jobs.queued[0].spec.warmpool_cache);
  }
}

TEST_F(WarmPools, AJobWithoutAPeriodUsesUpThePool) {
  run(warm("one"));
  create(request("two"));
  EXPECT_EQ(pool("two"), "InUse");
  train();
  say(end(Outcome::kCompleted));
  EXPECT_EQ(pool("two"), "Terminated");
}

TEST_F(WarmPools, APoolEndsWithItsPeriod) {
  run(warm("one", 600));
  desk.clock.advance(std::chrono::seconds(599));
  service->run_due();
  EXPECT_EQ(pool("one"), "Available");
  EXPECT_EQ(desk.refusal(*service, "DeleteTrainingJob", {{"TrainingJobName", "one"}}).code,
            "ValidationException");
  desk.clock.advance(std::chrono::seconds(1));
  service->run_due();
  EXPECT_EQ(pool("one"), "Terminated");
  EXPECT_EQ(describe("one")["WarmPoolStatus"]["ResourceRetainedBillableTimeInSeconds"], 600);
  create(warm("two"));
  EXPECT_EQ(pool("two"), "");
  desk.get(*service, "DeleteTrainingJob", {{"TrainingJobName", "one"}});
}

TEST_F(WarmPools, UpdateChangesThePeriodAndZeroEndsThePool) {
  run(warm("one", 600));
  const auto update = [&](const std::string& name, int seconds) {
    return Document{{"TrainingJobName", name}, {"ResourceConfig", {{"KeepAlivePeriodInSeconds", seconds}}}};
  };
  desk.get(*service, "UpdateTrainingJob", update("one", 1200));
  EXPECT_EQ(describe("one")["ResourceConfig"]["KeepAlivePeriodInSeconds"], 1200);
  desk.clock.advance(std::chrono::seconds(601));
  service->run_due();
  EXPECT_EQ(pool("one"), "Available");
  desk.get(*service, "UpdateTrainingJob", update("one", 0));
  service->run_due();
  EXPECT_EQ(pool("one"), "Terminated");
  EXPECT_EQ(desk.refusal(*service, "UpdateTrainingJob", update("one", 60)).code, "ValidationException");
}

TEST_F(WarmPools, AreListedByTheirStatus) {
  run(warm("one"));
  run(request("other"));  // takes the pool
  run(warm("three"));
  const auto listed = [&](const char* status) {
    return desk.get(*service, "ListTrainingJobs", {{"WarmPoolStatusEquals", status}})["TrainingJobSummaries"];
  };
  ASSERT_EQ(listed("Available").size(), 1u);
  EXPECT_EQ(listed("Available")[0]["TrainingJobName"], "three");
  EXPECT_EQ(listed("Reused").size(), 1u);
  EXPECT_EQ(listed("InUse").size(), 0u);
}

TEST_F(WarmPools, AJobThatNeverRanLeavesNone) {
  create(warm("one"));
  say(end(Outcome::kStopped));
  EXPECT_EQ(pool("one"), "");
}

}  // namespace
}  // namespace sagelet::sagemaker
