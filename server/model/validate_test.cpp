#include "server/model/validate.hpp"

#include <chrono>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "server/model/patterns.hpp"

namespace sagelet::model {
namespace {

using testing::HasSubstr;
using testing::Optional;

const Shape& input_of(std::string_view operation) {
  return *find_service("sagemaker")->operation(operation)->input;
}

Document training_job() {
  return Document::parse(R"({
    "TrainingJobName": "job-1", "RoleArn": "arn:aws:iam::000000000000:role/service-role/Role",
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60}})");
}

TEST(Violations, AGoodRequestHasNone) {
  EXPECT_EQ(violations(input_of("CreateTrainingJob"), training_job()), std::nullopt);
}

TEST(Violations, AMissingMemberIsNullWithoutQuotes) {
  Document job = training_job();
  job.erase("RoleArn");
  EXPECT_THAT(violations(input_of("CreateTrainingJob"), job),
              Optional(std::string(
                  "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: "
                  "Member must not be null")));
}

TEST(Violations, PatternComesBeforeLengthAndAllStandInOneMessage) {
  Document job = training_job();
  job["TrainingJobName"] = std::string(64, '_');
  const std::string name(64, '_');
  EXPECT_THAT(
      violations(input_of("CreateTrainingJob"), job),
      Optional("2 validation errors detected: Value '" + name +
               "' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular expression "
               "pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}; Value '" +
               name +
               "' at 'trainingJobName' failed to satisfy constraint: Member must have length less than or "
               "equal to 63"));
}

TEST(Violations, ListItemsAreNumberedFromOne) {
  Document job = training_job();
  job["InputDataConfig"] = Document::parse(R"([
    {"ChannelName": "a", "DataSource": {}}, {"ChannelName": "b", "DataSource": {}, "InputMode": "Fax"}])");
  const auto found = violations(input_of("CreateTrainingJob"), job);
  EXPECT_THAT(found, Optional(HasSubstr(
                         "Value 'Fax' at 'inputDataConfig.2.member.inputMode' failed to satisfy constraint: "
                         "Member must satisfy enum value set: [")));
}

TEST(Violations, AnEnumKeepsTheOrderOfTheModel) {
  const Shape& shape = input_of("ListTrainingJobs");
  EXPECT_THAT(violations(shape, {{"SortOrder", "Up"}}),
              Optional(HasSubstr("Member must satisfy enum value set: [Ascending, Descending]")));
}

TEST(Violations, NumbersHaveValueLimits) {
  EXPECT_THAT(violations(input_of("ListTrainingJobs"), {{"MaxResults", 101}}),
              Optional(std::string(
                  "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: "
                  "Member must have value less than or equal to 100")));
  EXPECT_THAT(violations(input_of("ListTrainingJobs"), {{"MaxResults", 0}}),
              Optional(HasSubstr("Member must have value greater than or equal to 1")));
}

TEST(Violations, MapValuesAreNamedByTheirKey) {
  Document job = training_job();
  job["Environment"] = {{"GOOD", "x"}, {"BAD", std::string(5000, 'v')}};
  EXPECT_THAT(violations(input_of("CreateTrainingJob"), job),
              Optional(HasSubstr("at 'environment.BAD.member' failed")));
}

TEST(Violations, SensitiveValuesAreLeftOut) {
  Shape secret{.name = "Secret", .kind = Kind::kString, .max = 3.0, .sensitive = true};
  const Member member{.name = "Password", .shape = &secret};
  const Shape shape{.name = "Login", .members = {&member, 1}};
  EXPECT_THAT(
      violations(shape, {{"Password", "hunter2"}}),
      Optional(std::string("1 validation error detected: Value at 'password' failed to satisfy constraint: "
                           "Member must have length less than or equal to 3")));
}

TEST(Violations, LengthsCountCharactersAndNullItemsAreRefused) {
  const Shape word{.name = "Word", .kind = Kind::kString, .max = 3.0};
  const Member item{.shape = &word};
  const Shape words{.name = "Words", .kind = Kind::kList, .element = &item};
  const Member member{.name = "Words", .shape = &words};
  const Shape shape{.name = "Text", .members = {&member, 1}};
  EXPECT_EQ(violations(shape, {{"Words", {"äöü", "日本語"}}}), std::nullopt);
  EXPECT_THAT(violations(shape, {{"Words", {nullptr}}}),
              Optional(HasSubstr(
                  "Value null at 'words.1.member' failed to satisfy constraint: Member must not be null")));
}

TEST(Violations, ValuesOfAnyTypeNeverCrash) {
  for (const char* odd : {"null", "7", "\"text\"", "[1,[2]]",
                          R"({"TrainingJobName": {"a": []}, "Tags": 3, "Environment": []})"}) {
    violations(input_of("CreateTrainingJob"), Document::parse(odd));
  }
}

TEST(Patterns, AllOfThemCompile) {
  for (const ServiceModel* service : services()) {
    for (const Shape* shape : service->shapes)
      EXPECT_TRUE(pattern_compiles(*shape)) << shape->name << ": " << shape->pattern;
  }
}

TEST(Patterns, AnEvilValueEndsSoonAndDoesNotMatch) {
  const Shape evil{.name = "Evil", .kind = Kind::kString, .pattern = "(a+)+b", .pattern_index = ~0U};
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(matches_pattern(evil, std::string(5000, 'a')));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(Patterns, AWholeMatchIsWantedAndANewlineIsNotForgiven) {
  const Shape digits{.name = "Digits", .kind = Kind::kString, .pattern = "^\\d+$", .pattern_index = ~0U};
  EXPECT_TRUE(matches_pattern(digits, "123"));
  EXPECT_FALSE(matches_pattern(digits, "123\n"));
  const Shape part{.name = "Part", .kind = Kind::kString, .pattern = "b", .pattern_index = ~0U};
  EXPECT_FALSE(matches_pattern(part, "abc"));
  EXPECT_FALSE(matches_pattern(part, "\xff"));
}

TEST(Patterns, ThreadsMayMeetTheSamePatternFirst) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (const Shape* shape : find_service("logs")->shapes) matches_pattern(*shape, "some-name/1");
    });
  }
}

}  // namespace
}  // namespace sagelet::model
