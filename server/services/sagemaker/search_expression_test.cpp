#include "server/services/sagemaker/search_expression.hpp"

#include "gtest/gtest.h"

namespace sagelet::sagemaker {
namespace {

using nlohmann::json;

const json kRecord = json::parse(R"({
  "TrainingJobName": "one", "TrainingJobStatus": "Completed", "CreationTime": 1767225600.5,
  "EnableNetworkIsolation": false, "HyperParameters": {"learning.rate": "0.1", "epochs": "10"},
  "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://b/train"}}},
                      {"ChannelName": "test", "DataSource": {"S3DataSource": {"S3Uri": "s3://b/test"}}}],
  "FinalMetricDataList": [{"MetricName": "loss", "Value": 0.25}],
  "Tags": [{"Key": "team", "Value": "blue"}]})");

bool filter(const char* name, const char* op, const char* value) {
  return matches({{"Filters", {{{"Name", name}, {"Operator", op}, {"Value", value}}}}}, kRecord);
}

TEST(SearchExpression, ComparesTextsNumbersAndTimes) {
  EXPECT_TRUE(filter("TrainingJobName", "Equals", "one"));
  EXPECT_FALSE(filter("TrainingJobName", "Equals", "on"));
  EXPECT_TRUE(filter("TrainingJobName", "Contains", "n"));
  EXPECT_TRUE(filter("TrainingJobName", "NotEquals", "two"));
  EXPECT_TRUE(filter("HyperParameters.epochs", "GreaterThan", "9"));
  EXPECT_TRUE(filter("HyperParameters.learning.rate", "LessThanOrEqualTo", "0.10"));
  EXPECT_TRUE(filter("CreationTime", "GreaterThan", "2026-01-01T00:00:00Z"));
  EXPECT_FALSE(filter("CreationTime", "GreaterThan", "2026-01-01T00:00:01Z"));
  EXPECT_TRUE(filter("EnableNetworkIsolation", "Equals", "false"));
  EXPECT_TRUE(filter("TrainingJobStatus", "In", "Failed, Completed"));
  EXPECT_FALSE(filter("TrainingJobStatus", "In", "Failed,Stopped"));
}

TEST(SearchExpression, ReachesTagsMetricsAndListItems) {
  EXPECT_TRUE(filter("Tags.team", "Equals", "blue"));
  EXPECT_TRUE(filter("Metrics.loss", "LessThan", "0.3"));
  EXPECT_TRUE(filter("InputDataConfig.DataSource.S3DataSource.S3Uri", "Equals", "s3://b/test"));
  EXPECT_TRUE(filter("Tags.other", "NotExists", ""));
  EXPECT_FALSE(filter("Tags.other", "Exists", ""));
}

TEST(SearchExpression, NestedFiltersHoldForOneItem) {
  const auto nested = [](const char* channel, const char* uri) {
    return json{{"NestedFilters",
                 {{{"NestedPropertyName", "InputDataConfig"},
                   {"Filters",
                    {{{"Name", "InputDataConfig.ChannelName"}, {"Operator", "Equals"}, {"Value", channel}},
                     {{"Name", "InputDataConfig.DataSource.S3DataSource.S3Uri"},
                      {"Operator", "Contains"},
                      {"Value", uri}}}}}}}};
  };
  EXPECT_TRUE(matches(nested("train", "b/train"), kRecord));
  EXPECT_FALSE(matches(nested("train", "b/test"), kRecord));
}

TEST(SearchExpression, JoinsItsPartsByAndUnlessOrIsSaid) {
  const json yes{{"Filters", {{{"Name", "TrainingJobName"}, {"Value", "one"}}}}};
  const json no{{"Filters", {{{"Name", "TrainingJobName"}, {"Value", "two"}}}}};
  EXPECT_FALSE(matches({{"SubExpressions", {yes, no}}}, kRecord));
  EXPECT_TRUE(matches({{"SubExpressions", {yes, no}}, {"Operator", "Or"}}, kRecord));
  EXPECT_FALSE(matches({{"SubExpressions", {no, no}}, {"Operator", "Or"}}, kRecord));
  EXPECT_TRUE(matches(json::object(), kRecord));
}

TEST(SearchExpression, TheQuickLookNeverLosesAMatch) {
  const json expression{{"Filters", {{{"Name", "TrainingJobName"}, {"Value", "one"}}}}};
  EXPECT_TRUE(may_match(expression, kRecord.dump()));
  EXPECT_FALSE(may_match(expression, R"({"TrainingJobName":"two"})"));
  EXPECT_TRUE(may_match({{"Filters", {{{"Name", "CreationTime"}, {"Value", "2026-01-01"}}}}}, "{}"));
  EXPECT_TRUE(may_match(
      {{"Filters", {{{"Name", "TrainingJobName"}, {"Operator", "NotEquals"}, {"Value", "x"}}}}}, "{}"));
}

}  // namespace
}  // namespace sagelet::sagemaker
