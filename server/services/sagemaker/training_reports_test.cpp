#include "server/services/sagemaker/fixture.hpp"

namespace sagelet::sagemaker {
namespace {

class Reports : public Fixture {};
using Statuses = std::vector<std::string>;

TEST_F(Reports, TheUsualWayIsToldStepByStep) {
  create("one");
  for (const auto phase : {Phase::kStarting, Phase::kDownloading, Phase::kTraining, Phase::kUploading})
    say(report(phase));
  EXPECT_EQ(describe("one")["SecondaryStatus"], "Uploading");
  EXPECT_EQ(describe("one")["TrainingJobStatus"], "InProgress");
  auto last = end(Outcome::kCompleted);
  last.model_uri = "s3://bucket/out/one/output/model.tar.gz";
  last.training_start_ms = last.time_ms - 30'000;
  last.training_end_ms = last.time_ms;
  last.metrics = {{.name = "loss", .value = 0.0036, .time_ms = 1'700'000'000'999}};
  say(last);
  const auto job = describe("one");
  EXPECT_EQ(history(job), (Statuses{"Starting", "Downloading", "Training", "Uploading", "Completed"}));
  EXPECT_EQ(job["ModelArtifacts"]["S3ModelArtifacts"], "s3://bucket/out/one/output/model.tar.gz");
  EXPECT_EQ(job["TrainingTimeInSeconds"], 30);
  EXPECT_EQ(job["BillableTimeInSeconds"], 30);
  EXPECT_EQ(job["TrainingEndTime"], to_epoch_seconds(desk.clock.now()));
  const auto& metric = job["FinalMetricDataList"][0];
  EXPECT_EQ(metric["Value"].get<double>(), static_cast<double>(0.0036f));
  EXPECT_EQ(metric["Timestamp"], 1'700'000'000);
  const auto& steps = job["SecondaryStatusTransitions"];
  EXPECT_EQ(steps.back()["StartTime"], steps.back()["EndTime"]);
  for (std::size_t i = 0; i + 1 < steps.size(); ++i)
    EXPECT_EQ(steps[i]["EndTime"], steps[i + 1]["StartTime"]);
  EXPECT_EQ(steps[1]["StatusMessage"], "Downloading input data");
  EXPECT_EQ(steps[2]["StatusMessage"], "Training image download completed. Training in progress.");
  EXPECT_EQ(steps[3]["StatusMessage"], "Uploading generated training model");
  EXPECT_EQ(steps[4]["StatusMessage"], "Training job completed");
}

TEST_F(Reports, AReportThatComesTwiceChangesNothing) {
  create("one");
  const auto training = report(Phase::kTraining);
  say(training);
  const auto before = describe("one");
  desk.clock.advance(std::chrono::seconds(5));
  say(training);
  EXPECT_EQ(describe("one"), before);
  const auto last = end(Outcome::kCompleted);
  say(last);
  auto late = report(Phase::kUploading);
  const auto done = describe("one");
  say(last);
  say(late);
  EXPECT_EQ(describe("one"), done);
}

TEST_F(Reports, AFailureTellsItsReasonInAtMost1024Characters) {
  create("one");
  say(report(Phase::kTraining));
  auto last = end(Outcome::kFailed);
  last.failure_reason = "AlgorithmError: " + std::string(2000, 'x');
  say(last);
  const auto job = describe("one");
  EXPECT_EQ(job["TrainingJobStatus"], "Failed");
  EXPECT_EQ(job["SecondaryStatus"], "Failed");
  EXPECT_EQ(job["FailureReason"].get<std::string>().size(), 1024u);
  EXPECT_GE(job["TrainingTimeInSeconds"].get<int>(), 1);
}

TEST_F(Reports, AStoppedJobGoesThroughStoppingAndUploading) {
  create("one");
  say(report(Phase::kTraining));
  desk.get(*service, "StopTrainingJob", {{"TrainingJobName", "one"}});
  say(report(Phase::kTraining));
  EXPECT_EQ(describe("one")["SecondaryStatus"], "Stopping");
  say(report(Phase::kUploading));
  EXPECT_EQ(describe("one")["TrainingJobStatus"], "Stopping");
  say(end(Outcome::kStopped));
  const auto job = describe("one");
  EXPECT_EQ(job["TrainingJobStatus"], "Stopped");
  EXPECT_EQ(history(job), (Statuses{"Starting", "Training", "Stopping", "Uploading", "Stopped"}));
}

TEST_F(Reports, AQueuedJobThatIsStoppedEndsWithoutTrainingTimes) {
  create("one");
  service->training_listener().pending(jobs.queued[0].spec.job_id, "Waiting for 2 of 4 cores");
  EXPECT_EQ(describe("one")["SecondaryStatus"], "Pending");
  EXPECT_EQ(describe("one")["SecondaryStatusTransitions"][1]["StatusMessage"], "Waiting for 2 of 4 cores");
  desk.get(*service, "StopTrainingJob", {{"TrainingJobName", "one"}});
  say(end(Outcome::kStopped));
  const auto job = describe("one");
  EXPECT_EQ(job["TrainingJobStatus"], "Stopped");
  EXPECT_FALSE(job.contains("TrainingStartTime"));
  EXPECT_FALSE(job.contains("TrainingTimeInSeconds"));
}

TEST_F(Reports, APendingMessageThatChangesStaysOneStep) {
  create("one");
  for (const char* message : {"Waiting for 4 cores", "Waiting for 2 cores"})
    service->training_listener().pending(jobs.queued[0].spec.job_id, message);
  EXPECT_EQ(history(describe("one")), (Statuses{"Starting", "Pending"}));
  say(report(Phase::kStarting));
  EXPECT_EQ(history(describe("one")), (Statuses{"Starting", "Pending", "Starting"}));
  service->training_listener().pending(jobs.queued[0].spec.job_id, "too late");
}

TEST_F(Reports, TheTimeLimitEndsAJobAsStopped) {
  create("one");
  say(report(Phase::kTraining));
  say(end(Outcome::kMaxRuntimeExceeded));
  const auto job = describe("one");
  EXPECT_EQ(job["TrainingJobStatus"], "Stopped");
  EXPECT_EQ(job["SecondaryStatus"], "MaxRuntimeExceeded");
  EXPECT_EQ(history(job), (Statuses{"Starting", "Training", "Stopping", "MaxRuntimeExceeded"}));
}

TEST_F(Reports, TheTimeLimitShowsStoppingBeforeTheUpload) {
  create("one");
  say(report(Phase::kTraining));
  say(report(Phase::kUploading));
  say(end(Outcome::kMaxRuntimeExceeded));
  const auto job = describe("one");
  EXPECT_EQ(history(job), (Statuses{"Starting", "Training", "Stopping", "Uploading", "MaxRuntimeExceeded"}));
  const auto& steps = job["SecondaryStatusTransitions"];
  for (std::size_t i = 0; i + 1 < steps.size(); ++i)
    EXPECT_EQ(steps[i]["EndTime"], steps[i + 1]["StartTime"]);
}

TEST_F(Reports, AProgramThatFailsBecauseItWasToldToStopIsStopped) {
  create("one");
  say(report(Phase::kTraining));
  desk.get(*service, "StopTrainingJob", {{"TrainingJobName", "one"}});
  auto last = end(Outcome::kFailed);
  last.failure_reason = "AlgorithmError: , exit code: 1";
  say(last);
  EXPECT_EQ(describe("one")["TrainingJobStatus"], "Stopped");
  EXPECT_FALSE(describe("one").contains("FailureReason"));
}

TEST_F(Reports, AnUploadThatFailsAfterAStopIsAFailure) {
  create("one");
  desk.get(*service, "StopTrainingJob", {{"TrainingJobName", "one"}});
  auto last = end(Outcome::kFailed);
  last.failure_reason = "ClientError: Artifact upload failed: no such bucket";
  say(last);
  EXPECT_EQ(describe("one")["TrainingJobStatus"], "Failed");
}

TEST_F(Reports, ALostRunnerIsOurFault) {
  create("one");
  say(report(Phase::kTraining));
  ASSERT_TRUE(service->training_listener().lost(jobs.queued[0].spec.job_id, "killed"));
  const auto job = describe("one");
  EXPECT_EQ(job["TrainingJobStatus"], "Failed");
  EXPECT_EQ(job["FailureReason"], "InternalServerError: We encountered an internal error. Please try again.");
  ASSERT_TRUE(service->training_listener().lost(jobs.queued[0].spec.job_id, "killed"));
  EXPECT_EQ(describe("one"), job);
}

TEST_F(Reports, AReportOfADeletedJobIsTakenAndForgotten) {
  EXPECT_TRUE(service->training_listener().report({.job_id = "nobody", .host = "algo-1", .number = 1}));
}

TEST_F(Reports, AMetricThatIsNoNumberIsWrittenAsAWord) {
  create("one");
  auto last = end(Outcome::kCompleted);
  last.metrics = {{.name = "loss", .value = std::numeric_limits<double>::quiet_NaN()}};
  say(last);
  EXPECT_EQ(describe("one")["FinalMetricDataList"][0]["Value"], "NaN");
}

}  // namespace
}  // namespace sagelet::sagemaker
