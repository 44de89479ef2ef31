#include "server/services/sagemaker/fixture.hpp"

namespace sagelet::sagemaker {
namespace {

class TrainingJobs : public Fixture {};
using Statuses = std::vector<std::string>;

constexpr const char* kArn = "arn:aws:sagemaker:us-east-1:000000000000:training-job/";

TEST_F(TrainingJobs, CreateAnswersTheArnAndQueuesTheJob) {
  EXPECT_EQ(create("one")["TrainingJobArn"], kArn + std::string("one"));
  ASSERT_EQ(jobs.queued.size(), 1u);
  const auto& spec = jobs.queued[0].spec;
  EXPECT_EQ(spec.name, "one");
  EXPECT_EQ(spec.image, "known/image:1");
  EXPECT_EQ(spec.output_uri, "s3://bucket/out");
  EXPECT_EQ(spec.max_runtime_seconds, 3600);
  EXPECT_EQ(spec.log_group, "/aws/sagemaker/TrainingJobs");
  EXPECT_TRUE(spec.log_stream.starts_with("one/algo-1-"));
  EXPECT_TRUE(spec.script_mode);
  EXPECT_FALSE(jobs.queued[0].outside_queue);
  EXPECT_EQ(jobs.woken, 1);
  const auto kept = credentials.find(spec.access_key);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->job_id, spec.job_id);
  EXPECT_EQ(kept->secret_key, spec.secret_key);
}

TEST_F(TrainingJobs, DescribeEchoesTheRequestWithTheValuesAwsFillsIn) {
  auto params = request("one");
  params["InputDataConfig"] = Document::array({channel("train", "s3://bucket/data/")});
  params["HyperParameters"] = {{"epochs", "\"10\""}};
  params["Environment"] = {{"A", "b"}};
  params["DebugHookConfig"] = {{"S3OutputPath", "s3://bucket/"},
                               {"CollectionConfigurations", Document::array()}};
  params["RetryStrategy"] = {{"MaximumRetryAttempts", 2}};
  params["Tags"] = Document::array({{{"Key", "k"}, {"Value", "v"}}});
  desk.get(*service, "CreateTrainingJob", params);
  const auto job = describe("one");
  for (const char* member : {"HyperParameters", "Environment", "DebugHookConfig", "RetryStrategy", "RoleArn"})
    EXPECT_EQ(job[member], params[member]) << member;
  EXPECT_EQ(job["TrainingJobArn"], kArn + std::string("one"));
  EXPECT_EQ(job["OutputDataConfig"]["KmsKeyId"], "");
  EXPECT_EQ(job["InputDataConfig"][0]["CompressionType"], "None");
  EXPECT_EQ(job["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataDistributionType"],
            "FullyReplicated");
  EXPECT_EQ(job["EnableNetworkIsolation"], false);
  EXPECT_EQ(job["TrainingJobStatus"], "InProgress");
  EXPECT_EQ(job["SecondaryStatus"], "Starting");
  EXPECT_EQ(job["CreationTime"], to_epoch_seconds(desk.clock.now()));
  EXPECT_EQ(job["SecondaryStatusTransitions"][0]["StatusMessage"], "Starting the training job");
  for (const char* member :
       {"Tags", "TrainingEndTime", "TrainingTimeInSeconds", "FinalMetricDataList", "FailureReason"})
    EXPECT_FALSE(job.contains(member)) << member;
}

TEST_F(TrainingJobs, ANameIsUsedOnce) {
  create("one");
  const auto error = desk.refusal(*service, "CreateTrainingJob", request("one"));
  EXPECT_EQ(error.code, "ResourceInUse");
  EXPECT_EQ(error.message,
            "Job name must be unique within an AWS account and region, and a training job with this name "
            "already exists "
            "(arn:aws:sagemaker:us-east-1:000000000000:training-job/one)");
  EXPECT_EQ(jobs.queued.size(), 1u);
}

TEST_F(TrainingJobs, OfCreatesAtOnceOneWinsAndNoneAnswersBeforeItIsDurable) {
  testing::Desk power(storage::Durability::kPower);
  const auto other = make_sagemaker({power.ledger(), jobs, objects, credentials, power.clock, random});
  const auto* handler = other->handler(*other->model().operation("CreateTrainingJob"));
  std::vector<Output> waiting;
  for (int i = 0; i < 8; ++i) {
    Context context = power.context();
    waiting.push_back(handler->call(context, Input{.params = request("one")}).value());
  }
  int won = 0;
  for (auto& output : waiting) {
    ASSERT_TRUE(output.after);
    const auto done = output.after->wait();
    won += done ? 1 : 0;
    if (!done) {
      EXPECT_EQ(output.failed(done.error()).code, "ResourceInUse");
    }
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(jobs.queued.size(), 1u);
}

TEST_F(TrainingJobs, DataMustBeThereAtCreate) {
  auto params = request("one");
  params["InputDataConfig"] = Document::array({channel("train", "s3://bucket/none/")});
  EXPECT_EQ(desk.refusal(*service, "CreateTrainingJob", params).message,
            "No S3 objects found under S3 URL \"s3://bucket/none/\" given in input data source. Please "
            "ensure that the "
            "bucket exists in the selected region (us-east-1), that objects exist under that S3 prefix, and "
            "that the role "
            "\"arn:aws:iam::000000000000:role/R\" has \"s3:ListBucket\" permissions on bucket \"bucket\".");
  params["InputDataConfig"] = Document::array({channel("train", "s3://nobody/")});
  EXPECT_EQ(desk.refusal(*service, "CreateTrainingJob", params).code, "ValidationException");
  EXPECT_EQ(desk.refusal(*service, "DescribeTrainingJob", {{"TrainingJobName", "one"}}).message,
            "Requested resource not found.");
}

TEST_F(TrainingJobs, NonsenseIsRefusedAtCreate) {
  auto params = request("one");
  params["AlgorithmSpecification"]["AlgorithmName"] = "a";
  EXPECT_EQ(desk.refusal(*service, "CreateTrainingJob", params).code, "ValidationException");
  params = request("one");
  params.erase("AlgorithmSpecification");
  EXPECT_EQ(desk.refusal(*service, "CreateTrainingJob", params).code, "ValidationException");
  params = request("one");
  params["EnableManagedSpotTraining"] = true;
  EXPECT_EQ(
      desk.refusal(*service, "CreateTrainingJob", params).message,
      "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds");
  params = request("one");
  params["InputDataConfig"] =
      Document::array({channel("a", "s3://bucket/data/"), channel("a", "s3://bucket/data/")});
  EXPECT_EQ(desk.refusal(*service, "CreateTrainingJob", params).code, "ValidationException");
}

TEST_F(TrainingJobs, AnImageThatNoRuleFitsFailsTheJobAndSaysWhy) {
  auto params = request("one");
  params["AlgorithmSpecification"]["TrainingImage"] = "unknown:1";
  desk.get(*service, "CreateTrainingJob", params);
  const auto job = describe("one");
  EXPECT_EQ(job["TrainingJobStatus"], "Failed");
  EXPECT_EQ(job["FailureReason"], "ClientError: no rule fits the image unknown:1");
  EXPECT_EQ(history(job), (Statuses{"Starting", "Failed"}));
  EXPECT_TRUE(jobs.queued.empty());
}

TEST_F(TrainingJobs, AFastFileChannelRuns) {
  auto params = request("one");
  params["InputDataConfig"] = Document::array({channel("train", "s3://bucket/data/")});
  params["InputDataConfig"][0]["InputMode"] = "FastFile";
  desk.get(*service, "CreateTrainingJob", params);
  ASSERT_EQ(jobs.queued.size(), 1u);
  EXPECT_EQ(jobs.queued[0].spec.channels[0].input_mode, "FastFile");
  EXPECT_EQ(jobs.queued[0].spec.channels[0].s3_uri, "s3://bucket/data/");
}

TEST_F(TrainingJobs, AJobOfAJobStartsOutsideTheQueue) {
  desk.calling_job = "parent";
  create("child");
  EXPECT_TRUE(jobs.queued[0].outside_queue);
}

TEST_F(TrainingJobs, StopShowsStoppingAtOnceAndTellsTheRunner) {
  create("one");
  desk.get(*service, "StopTrainingJob", {{"TrainingJobName", "one"}});
  EXPECT_EQ(describe("one")["TrainingJobStatus"], "Stopping");
  EXPECT_EQ(jobs.stopped, Statuses{jobs.queued[0].spec.job_id});
  desk.get(*service, "StopTrainingJob", {{"TrainingJobName", "one"}});
  EXPECT_EQ(history(describe("one")), (Statuses{"Starting", "Stopping"}));
}

TEST_F(TrainingJobs, AJobThatWasStoppingIsToldAgainAfterARestart) {
  create("one");
  desk.get(*service, "StopTrainingJob", {{"TrainingJobName", "one"}});
  create("two");
  jobs.stopped.clear();
  service->resume();
  EXPECT_EQ(jobs.stopped, Statuses{jobs.queued[0].spec.job_id});
}

TEST_F(TrainingJobs, AFinishedJobCannotBeStopped) {
  create("one");
  run_to_end(Outcome::kCompleted);
  const auto error = desk.refusal(*service, "StopTrainingJob", {{"TrainingJobName", "one"}});
  EXPECT_EQ(error.code, "ValidationException");
  EXPECT_EQ(error.message, "The request was rejected because the training job is in status Completed.");
  EXPECT_EQ(desk.refusal(*service, "StopTrainingJob", {{"TrainingJobName", "none"}}).message,
            "Requested resource not found.");
}

TEST_F(TrainingJobs, OnlyAFinishedJobIsDeletedAndItsNameIsFreeAgain) {
  create("one");
  EXPECT_EQ(desk.refusal(*service, "DeleteTrainingJob", {{"TrainingJobName", "one"}}).message,
            "The request was rejected because the training job is in status InProgress.");
  run_to_end(Outcome::kCompleted);
  desk.get(*service, "DeleteTrainingJob", {{"TrainingJobName", "one"}});
  EXPECT_EQ(jobs.removed, Statuses{jobs.queued[0].spec.job_id});
  EXPECT_EQ(desk.refusal(*service, "DescribeTrainingJob", {{"TrainingJobName", "one"}}).code,
            "ValidationException");
  create("one");
}

TEST_F(TrainingJobs, UpdateChangesTheProfilerOfARunningJob) {
  create("one");
  desk.get(*service, "UpdateTrainingJob",
           {{"TrainingJobName", "one"}, {"ProfilerConfig", {{"S3OutputPath", "s3://bucket/p"}}}});
  EXPECT_EQ(describe("one")["ProfilerConfig"]["S3OutputPath"], "s3://bucket/p");
  EXPECT_EQ(describe("one")["ProfilingStatus"], "Enabled");
  EXPECT_NE(desk.refusal(*service, "UpdateTrainingJob", {{"TrainingJobName", "none"}})
                .message.find("Could not find job to update with name"),
            std::string::npos);
}

TEST_F(TrainingJobs, TagsAreListedAddedAndDeletedByArn) {
  auto params = request("one");
  params["Tags"] = Document::array({{{"Key", "a"}, {"Value", "1"}}});
  const std::string arn = desk.get(*service, "CreateTrainingJob", params)["TrainingJobArn"];
  const auto added = desk.get(
      *service, "AddTags",
      {{"ResourceArn", arn}, {"Tags", {{{"Key", "b"}, {"Value", "2"}}, {{"Key", "a"}, {"Value", "3"}}}}});
  EXPECT_EQ(added["Tags"], Document::array({{{"Key", "a"}, {"Value", "3"}}, {{"Key", "b"}, {"Value", "2"}}}));
  desk.get(*service, "DeleteTags", {{"ResourceArn", arn}, {"TagKeys", {"a", "zzz"}}});
  EXPECT_EQ(desk.get(*service, "ListTags", {{"ResourceArn", arn}})["Tags"],
            Document::array({{{"Key", "b"}, {"Value", "2"}}}));
  EXPECT_EQ(desk.refusal(*service, "ListTags", {{"ResourceArn", arn + "x"}}).code, "ValidationException");
}

TEST_F(TrainingJobs, ReservedAndTooManyTagsAreRefused) {
  const std::string arn = create("one")["TrainingJobArn"];
  EXPECT_EQ(
      desk.refusal(*service, "AddTags", {{"ResourceArn", arn}, {"Tags", {{{"Key", "AWS:x"}, {"Value", ""}}}}})
          .code,
      "ValidationException");
  Document many = Document::array();
  for (int i = 0; i < 51; ++i) many.push_back({{"Key", std::to_string(i)}, {"Value", ""}});
  EXPECT_EQ(desk.refusal(*service, "AddTags", {{"ResourceArn", arn}, {"Tags", many}}).code,
            "ResourceLimitExceeded");
  EXPECT_EQ(desk.get(*service, "ListTags", {{"ResourceArn", arn}})["Tags"].size(), 0u);
}

}  // namespace
}  // namespace sagelet::sagemaker
