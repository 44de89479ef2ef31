#include "runner/spec.hpp"

#include <gtest/gtest.h>

namespace sagelet {
namespace {

JobSpec full_spec() {
  JobSpec spec;
  spec.job_id = "j1";
  spec.name = "iris";
  spec.cpus = {0, 3};
  spec.memory_limit = 1ull << 40;
  spec.script_mode = false;
  spec.own_registry = true;
  spec.arguments = {"-c", "echo \"\xc3\xa9\""};
  spec.hyperparameters = {{"a", "\"x\""}, {"", "1"}};
  spec.channels.push_back({.name = "train", .s3_uri = "s3://b/p/", .input_mode = "FastFile"});
  spec.channels.back().attribute_names = {"source-ref", "label"};
  spec.channels.back().hosts = {"algo-2"};
  spec.instance_groups = {{"workers", "ml.m5.large", {"algo-1", "algo-2"}, 8ull << 30, 2}};
  spec.metrics = {{"loss", "loss=(\\d+)"}};
  spec.stop_grace_seconds = 2;
  spec.launcher = "srun";
  spec.shared_folder = true;
  return spec;
}

TEST(JobSpec, ComesBackAsItWasWritten) {
  const JobSpec spec = full_spec();
  const auto back = JobSpec::from_json(spec.to_json());
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->to_json(), spec.to_json());
  EXPECT_EQ(back->channels.at(0).input_mode, "FastFile");
  EXPECT_EQ(back->memory_limit, 1ull << 40);
  EXPECT_TRUE(back->own_registry);
  EXPECT_TRUE(back->on_node());
  EXPECT_TRUE(back->shared_folder);
  EXPECT_EQ(back->channels.at(0).attribute_names.size(), 2u);
  EXPECT_EQ(back->channels.at(0).hosts, std::vector<std::string>{"algo-2"});
  EXPECT_EQ(back->instance_groups.at(0).hosts.back(), "algo-2");
  EXPECT_EQ(back->instance_groups.at(0).memory_limit, 8ull << 30);
  EXPECT_EQ(back->instance_groups.at(0).gpus, 2);
}

TEST(JobSpec, KeepsDefaultsOfFieldsThatAreMissing) {
  const auto spec = JobSpec::from_json(R"({"name":"x","unknown":1})");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->name, "x");
  EXPECT_EQ(spec->stop_grace_seconds, 120);
  EXPECT_FALSE(spec->on_node());
  EXPECT_EQ(spec->hosts, std::vector<std::string>{"algo-1"});
}

TEST(JobSpec, RefusesWrongTypesAndBrokenText) {
  for (const char* text : {"", "[]", "{", R"({"name":1})", R"({"cpus":["a"]})", R"({"channels":{}})",
                           R"({"stop_grace_seconds":1.5})", R"({"stop_grace_seconds":1e90})"}) {
    const auto spec = JobSpec::from_json(text);
    ASSERT_FALSE(spec) << text;
    EXPECT_EQ(spec.error().kind(), ErrorKind::kInvalid);
  }
}

TEST(Report, ComesBackAsItWasWritten) {
  Report report{.job_id = "j1", .host = "algo-1", .number = 7, .time_ms = 99, .phase = Phase::kFinished};
  report.outcome = Outcome::kMaxRuntimeExceeded;
  report.metrics = {{"loss", 0.25, 5}};
  const auto back = Report::from_json(report.to_json());
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->to_json(), report.to_json());
  EXPECT_EQ(back->phase, Phase::kFinished);
  EXPECT_EQ(back->outcome, Outcome::kMaxRuntimeExceeded);
}

TEST(Report, RefusesANumberThatIsOutOfRange) {
  EXPECT_TRUE(Report::from_json(R"({"number":18446744073709551615})"));
  EXPECT_FALSE(Report::from_json(R"({"number":18446744073709551616})"));
  EXPECT_FALSE(Report::from_json(R"({"number":-1})"));
}

TEST(Report, RefusesAnUnknownPhase) {
  EXPECT_FALSE(Report::from_json(R"({"phase":"Dreaming"})"));
  EXPECT_FALSE(Report::from_json(R"({"phase":3})"));
}

TEST(Report, ReplacesBytesThatAreNotUtf8) {
  Report report;
  report.failure_reason = "bad \xff byte";
  const auto back = Report::from_json(report.to_json());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->failure_reason, "bad \xef\xbf\xbd byte");
}

}  // namespace
}  // namespace sagelet
