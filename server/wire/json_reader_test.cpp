#include "server/wire/json_reader.hpp"

#include "gtest/gtest.h"

namespace sagelet::wire {
namespace {

const model::Shape& training_job() {
  return *model::find_service("sagemaker")->operation("CreateTrainingJob")->input;
}

std::string refusal(std::string_view text, const model::Shape& shape = training_job()) {
  const auto read = read_json(shape, text);
  if (read) return "accepted";
  EXPECT_EQ(read.error().code, "SerializationException");
  return read.error().message;
}

TEST(JsonReader, ReadsWhatTheModelKnowsAndPassesOverTheRest) {
  const auto read = read_json(
      training_job(), R"({"TrainingJobName":"x","Unknown":{"a":[1,{"b":2}]},"Tags":[{"Key":"k","Value":"v"}],
    "Environment":{"A":"1"},"RoleArn":null,"StoppingCondition":{"MaxRuntimeInSeconds":60}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, Document::parse(
                       R"({"TrainingJobName":"x","Tags":[{"Key":"k","Value":"v"}],"Environment":{"A":"1"},
    "StoppingCondition":{"MaxRuntimeInSeconds":60}})"));
}

TEST(JsonReader, AWrongTypeIsNamedWithItsPlace) {
  EXPECT_EQ(refusal(R"({"TrainingJobName":5})"),
            "NUMBER_VALUE can not be converted to a String at 'trainingJobName'");
  EXPECT_EQ(refusal(R"({"InputDataConfig":[{"ChannelName":"a"},{"ChannelName":true}]})"),
            "TRUE_VALUE can not be converted to a String at 'inputDataConfig.2.member.channelName'");
  EXPECT_EQ(refusal(R"({"Tags":{"Key":"k"}})"),
            "Start of structure or map found where not expected at 'tags'");
  EXPECT_EQ(refusal(R"({"RoleArn":["a"]})"), "Start of list found where not expected at 'roleArn'");
  EXPECT_EQ(refusal(R"({"Environment":{"A":1}})"),
            "NUMBER_VALUE can not be converted to a String at 'environment.A.member'");
  EXPECT_EQ(refusal(R"({"Tags":[{"Key":"a"},"b"]})"),
            "STRING_VALUE can not be converted to a Structure at 'tags.2.member'");
  EXPECT_EQ(refusal(R"({"StoppingCondition":{"MaxRuntimeInSeconds":"60"}})"),
            "STRING_VALUE can not be converted to an Integer at 'stoppingCondition.maxRuntimeInSeconds'");
  EXPECT_EQ(refusal(R"({"EnableNetworkIsolation":"true"})"),
            "STRING_VALUE can not be converted to a Boolean at 'enableNetworkIsolation'");
  EXPECT_EQ(refusal("[]"), "Start of list found where not expected");
  EXPECT_EQ(refusal("7"), "NUMBER_VALUE can not be converted to a Structure");
}

TEST(JsonReader, BrokenTextIsRefusedWithTheByte) {
  EXPECT_NE(refusal("{\"TrainingJobName\":").find("not valid JSON, at byte"), std::string::npos);
  EXPECT_NE(refusal("{\"TrainingJobName\":\"\\ud800\"}").find("surrogate"), std::string::npos);
  EXPECT_NE(refusal("{\"TrainingJobName\":\"\xff\"}").find("UTF-8"), std::string::npos);
  EXPECT_NE(refusal("{} {}"), "accepted");
  EXPECT_NE(refusal(std::string("{\"TrainingJobName\":\"a\0b\"}", 25)), "accepted");
}

TEST(JsonReader, NumbersOfAnySizeNeverCrash) {
  const auto number = [](std::string_view text) {
    return refusal("{\"StoppingCondition\":{\"MaxRuntimeInSeconds\":" + std::string(text) + "}}");
  };
  EXPECT_EQ(number("60.0"), "accepted");
  for (const char* odd :
       {"60.5", "1e400", "-1e400", "99999999999", "18446744073709551615", "123456789012345678901234567890"}) {
    EXPECT_NE(number(odd), "accepted") << odd;
  }
}

TEST(JsonReader, DeepNestingIsRefusedWhereverItIs) {
  const std::string deep(100000, '[');
  EXPECT_EQ(refusal("{\"Unknown\":" + deep), "The request body is nested too deeply");
  EXPECT_EQ(refusal("{\"Tags\":" + deep), "Start of list found where not expected at 'tags.1.member'");
}

TEST(JsonReader, TimestampsComeAsNumbersOrText) {
  const auto& list = *model::find_service("sagemaker")->operation("ListTrainingJobs")->input;
  for (const char* spelling :
       {"1700000000.5", "\"2023-11-14T22:13:20.500Z\"", "\"2023-11-14T23:13:20.5+01:00\""}) {
    const auto read = read_json(list, "{\"CreationTimeAfter\":" + std::string(spelling) + "}");
    ASSERT_TRUE(read) << spelling;
    EXPECT_EQ(read->at("CreationTimeAfter"), 1700000000.5) << spelling;
  }
  EXPECT_EQ(refusal(R"({"CreationTimeAfter":"yesterday"})", list),
            "STRING_VALUE can not be converted to a Timestamp at 'creationTimeAfter'");
  EXPECT_NE(refusal(R"({"CreationTimeAfter":1e300})", list), "accepted");
}

TEST(JsonReader, NullItemsStayForTheValidatorAndDuplicateKeysTakeTheLast) {
  const auto read = read_json(training_job(), R"({"Tags":[null],"RoleArn":"a","RoleArn":"b"})");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, Document::parse(R"({"Tags":[null],"RoleArn":"b"})"));
}

TEST(JsonReader, AnEmptyBodyIsAnEmptyStructure) {
  EXPECT_EQ(*read_json(training_job(), ""), Document::object());
  EXPECT_EQ(*read_json(training_job(), " \n"), Document::object());
}

}  // namespace
}  // namespace sagelet::wire
