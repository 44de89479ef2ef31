#pragma once
// For SageMaker's tests: the service with jobs that are only noted, a bucket view that is told what is there.
#include <map>
#include <set>

#include "server/services/sagemaker/service.hpp"
#include "server/services/testing.hpp"

namespace sagelet::sagemaker {

/// Notes what it is asked; images that contain "unknown" fit no rule.
class FakeJobs final : public jobs::Jobs {
 public:
  void listen(std::string, jobs::Listener*) override {}
  void adopt() override {}
  Result<storage::Change> enqueue(jobs::Request request) override {
    if (request.spec.image.find("unknown") != std::string::npos)
      return Error(ErrorKind::kInvalid, "no rule fits the image " + request.spec.image);
    return storage::Change([this, request](storage::Connection&) -> Status {
      queued.push_back(request);
      return {};
    });
  }
  void wake() override { ++woken; }
  void stop(const std::string& job_id) override { stopped.push_back(job_id); }
  void remove(const std::string& job_id) override { removed.push_back(job_id); }
  Status intake(std::string_view, const Report&) override { return {}; }
  std::optional<std::string> token_of(const std::string&) override { return "token"; }
  void clear() override {}
  Counts counts() const override { return {}; }
  Doctor doctor() const override { return {}; }

  std::vector<jobs::Request> queued;
  std::vector<std::string> stopped, removed;
  int woken = 0;
};

class FakeObjects final : public ObjectsView {
 public:
  Result<bool> any_under(const AccountId&, std::string_view bucket, std::string_view prefix) override {
    if (bucket != "bucket") return Error(ErrorKind::kNotFound, "no such bucket");
    const auto first = keys.lower_bound(std::string(prefix));
    return first != keys.end() && first->starts_with(prefix);
  }
  std::set<std::string> keys{"data/train.csv"};
};

class Fixture : public ::testing::Test {
 protected:
  static Document request(const std::string& name) {
    return {
        {"TrainingJobName", name},
        {"RoleArn", "arn:aws:iam::000000000000:role/R"},
        {"AlgorithmSpecification", {{"TrainingImage", "known/image:1"}, {"TrainingInputMode", "File"}}},
        {"OutputDataConfig", {{"S3OutputPath", "s3://bucket/out"}}},
        {"ResourceConfig", {{"InstanceType", "ml.m5.xlarge"}, {"InstanceCount", 1}, {"VolumeSizeInGB", 30}}},
        {"StoppingCondition", {{"MaxRuntimeInSeconds", 3600}}}};
  }
  static Document channel(const std::string& name, const std::string& uri) {
    return {{"ChannelName", name},
            {"DataSource", {{"S3DataSource", {{"S3DataType", "S3Prefix"}, {"S3Uri", uri}}}}}};
  }
  Document create(const std::string& name) { return desk.get(*service, "CreateTrainingJob", request(name)); }
  Document describe(const std::string& name) {
    return desk.get(*service, "DescribeTrainingJob", {{"TrainingJobName", name}});
  }
  /// A report of the newest job.
  Report report(Phase phase) {
    desk.clock.advance(std::chrono::seconds(10));
    return {.job_id = jobs.queued.back().spec.job_id,
            .host = "algo-1",
            .number = ++reports,
            .time_ms = to_millis(desk.clock.now()),
            .phase = phase};
  }
  Report end(Outcome outcome) {
    Report last = report(Phase::kFinished);
    last.outcome = outcome;
    return last;
  }
  void say(const Report& report) { ASSERT_TRUE(service->training_listener().report(report)); }
  void run_to_end(Outcome outcome) {
    for (const auto phase : {Phase::kStarting, Phase::kDownloading, Phase::kTraining, Phase::kUploading})
      say(report(phase));
    say(end(outcome));
  }
  static std::vector<std::string> history(const Document& job) {
    std::vector<std::string> statuses;
    for (const auto& step : job["SecondaryStatusTransitions"]) statuses.push_back(step["Status"]);
    return statuses;
  }

  testing::Desk desk;
  RandomIds random;
  FakeJobs jobs;
  FakeObjects objects;
  testing::MemoryCredentials credentials;
  std::unique_ptr<SageMaker> service =
      make_sagemaker({desk.ledger(), jobs, objects, credentials, desk.clock, random});
  std::uint64_t reports = 0;
};

}  // namespace sagelet::sagemaker
