#include "server/services/cloudwatch/service.hpp"

#include "gmock/gmock.h"
#include "server/services/cloudwatch/statistics.hpp"
#include "server/services/testing.hpp"

namespace sagelet::cloudwatch {
namespace {

using ::testing::HasSubstr;

/// The start of an hour, in seconds.
constexpr double kThen = 1'699'999'200;

class CloudWatchTest : public ::testing::Test {
 protected:
  CloudWatchTest() { desk.clock.set(from_millis(static_cast<std::int64_t>(kThen) * 1000 + 3'600'000)); }

  void put(const std::string& name, double value, double seconds, const Document& more = Document::object()) {
    Document datum{{"MetricName", name}, {"Value", value}, {"Timestamp", kThen + seconds}};
    datum.update(more);
    desk.get(*service, "PutMetricData", {{"Namespace", "n"}, {"MetricData", {datum}}});
  }
  Document statistics(const std::string& name, const Document& wanted, int period = 60) {
    return desk.get(*service, "GetMetricStatistics",
                    {{"Namespace", "n"},
                     {"MetricName", name},
                     {"Period", period},
                     {"StartTime", kThen},
                     {"EndTime", kThen + 3600},
                     {"Statistics", wanted}})["Datapoints"];
  }
  static Document metric(const std::string& id, const std::string& name,
                         const std::string& statistic = "Sum") {
    return {{"Id", id},
            {"MetricStat",
             {{"Metric", {{"Namespace", "n"}, {"MetricName", name}}}, {"Period", 60}, {"Stat", statistic}}}};
  }
  static Document data_request(Document queries) {
    return {{"MetricDataQueries", std::move(queries)},
            {"StartTime", kThen},
            {"EndTime", kThen + 300},
            {"ScanBy", "TimestampAscending"}};
  }

  testing::Desk desk;
  std::unique_ptr<Service> service = make_cloudwatch(desk.ledger());
};

TEST_F(CloudWatchTest, ValuesOfAPeriodAreOneDatapoint) {
  put("m", 1, 0);
  put("m", 5, 59);
  put("m", 9, 60);
  const auto points = statistics("m", {"Average", "Sum", "Minimum", "Maximum", "SampleCount"});
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0]["Timestamp"], kThen);
  EXPECT_EQ(points[0]["Average"], 3.0);
  EXPECT_EQ(points[0]["Sum"], 6.0);
  EXPECT_EQ(points[0]["Minimum"], 1.0);
  EXPECT_EQ(points[0]["Maximum"], 5.0);
  EXPECT_EQ(points[0]["SampleCount"], 2.0);
  EXPECT_EQ(points[1]["Sum"], 9.0);
}

TEST_F(CloudWatchTest, ValuesCountsAndStatisticSetsAreTheSameThing) {
  const auto at = [](double seconds) {
    return Document{{"MetricName", "m"}, {"Timestamp", kThen + seconds}};
  };
  Document counted = at(0), set = at(60);
  counted["Values"] = {1.0, 4.0};
  counted["Counts"] = {3.0, 1.0};
  set["StatisticValues"] = {{"SampleCount", 4}, {"Sum", 7}, {"Minimum", 1}, {"Maximum", 4}};
  desk.get(*service, "PutMetricData", {{"Namespace", "n"}, {"MetricData", {counted, set}}});
  const auto points = statistics("m", {"Average", "Minimum", "Maximum", "SampleCount"});
  ASSERT_EQ(points.size(), 2u);
  for (const char* name : {"Average", "Minimum", "Maximum", "SampleCount"})
    EXPECT_EQ(points[0][name], points[1][name]) << name;
  EXPECT_EQ(points[0]["Average"], 1.75);
}

TEST_F(CloudWatchTest, DimensionsAreAnotherMetricWhateverTheirOrder) {
  const Document ab = {{{"Name", "a"}, {"Value", "1"}}, {{"Name", "b"}, {"Value", "2"}}};
  const Document ba = {{{"Name", "b"}, {"Value", "2"}}, {{"Name", "a"}, {"Value", "1"}}};
  put("m", 1, 0, {{"Dimensions", ab}});
  put("m", 2, 0, {{"Dimensions", ba}});
  put("m", 40, 0);
  EXPECT_EQ(statistics("m", {"Sum"})[0]["Sum"], 40.0);
  const auto listed = desk.get(*service, "ListMetrics", {{"Dimensions", {{{"Name", "b"}}}}})["Metrics"];
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0]["Dimensions"], ab);
}

TEST_F(CloudWatchTest, AListGoesOnWhereItsTokenSays) {
  for (int i = 0; i < 5; ++i) {
    Document data = Document::array();
    for (int j = 0; j < 101; ++j)
      data.push_back({{"MetricName", "m" + std::to_string(101 * i + j)}, {"Value", 1}});
    desk.get(*service, "PutMetricData", {{"Namespace", "n"}, {"MetricData", data}});
  }
  const auto first = desk.get(*service, "ListMetrics", {{"Namespace", "n"}});
  EXPECT_EQ(first["Metrics"].size(), 500u);
  const auto rest =
      desk.get(*service, "ListMetrics", {{"Namespace", "n"}, {"NextToken", first["NextToken"]}});
  EXPECT_EQ(rest["Metrics"].size(), 5u);
  EXPECT_FALSE(rest.contains("NextToken"));
}

TEST_F(CloudWatchTest, ValuesAreForgottenAfterFifteenDays) {
  put("m", 1, 0);
  desk.clock.advance(std::chrono::hours(15 * 24 + 1));
  desk.get(*service, "PutMetricData",
           {{"Namespace", "n"}, {"MetricData", {{{"MetricName", "x"}, {"Value", 1}}}}});
  EXPECT_TRUE(statistics("m", {"Sum"}).empty());
}

TEST_F(CloudWatchTest, ExpressionsSpeakOfOtherQueries) {
  put("a", 2, 0);
  put("a", 3, 60);
  put("b", 10, 60);
  const auto results = desk.get(
      *service, "GetMetricData",
      data_request({metric("m1", "a"),
                    metric("m2", "b"),
                    {{"Id", "e1"}, {"Expression", "SUM(METRICS())"}},
                    {{"Id", "e2"}, {"Expression", "e1 * 100"}, {"Label", "per cent"}}}))["MetricDataResults"];
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(results[0]["Label"], "a");
  EXPECT_EQ(results[2]["Values"], Document({2.0, 13.0}));
  EXPECT_EQ(results[3]["Values"], Document({200.0, 1300.0}));
  EXPECT_EQ(results[3]["Timestamps"], Document({kThen, kThen + 60}));
  EXPECT_EQ(results[3]["Label"], "per cent");
}

TEST_F(CloudWatchTest, OnlyWhatIsAskedForIsShownAndNotWhatIsNoNumber) {
  put("a", 2, 0);
  put("b", 0, 0);
  put("b", 4, 60);
  auto hidden = metric("m1", "a"), zero = metric("m2", "b");
  hidden["ReturnData"] = zero["ReturnData"] = false;
  const auto results =
      desk.get(*service, "GetMetricData",
               data_request({hidden, zero, {{"Id", "e1"}, {"Expression", "1 / m2"}}}))["MetricDataResults"];
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0]["Values"], Document({0.25}));
}

TEST_F(CloudWatchTest, AWrongExpressionIsNamed) {
  const auto refusal = [&](const std::string& expression) {
    const auto error =
        desk.refusal(*service, "GetMetricData",
                     data_request({metric("m1", "a"), {{"Id", "e1"}, {"Expression", expression}}}));
    EXPECT_EQ(error.code, "ValidationError");
    return error.message;
  };
  EXPECT_THAT(refusal("m1 + e1"),
              HasSubstr("Error in expression 'e1': the expression 'e1' speaks of itself"));
  EXPECT_THAT(refusal("m7"), HasSubstr("no query with the id 'm7'"));
  EXPECT_THAT(refusal("AVG(m1)"), HasSubstr("gives a number"));
  EXPECT_THAT(refusal("SEARCH('x', 'Sum')"), HasSubstr("SEARCH is not supported"));
}

TEST_F(CloudWatchTest, WhatCannotBeAskedIsRefused) {
  const auto code = [&](int period, double to) {
    return desk
        .refusal(*service, "GetMetricStatistics",
                 {{"Namespace", "n"},
                  {"MetricName", "m"},
                  {"Period", period},
                  {"StartTime", kThen},
                  {"EndTime", kThen + to},
                  {"Statistics", {"Sum"}}})
        .code;
  };
  EXPECT_EQ(code(60, 0), "InvalidParameterCombinationException");
  EXPECT_EQ(code(61, 60), "InvalidParameterValueException");
  EXPECT_EQ(code(1, 86400), "InvalidParameterCombinationException");
}

TEST(Statistics, PercentilesGoByTheNumberOfSamples) {
  Bucket bucket;
  for (int i = 1; i <= 10; ++i) {
    Sample sample;
    sample.sum = sample.minimum = sample.maximum = i;
    bucket.add(sample);
  }
  EXPECT_EQ(bucket.statistic("p50"), 5);
  EXPECT_EQ(bucket.statistic("p90"), 9);
  EXPECT_EQ(bucket.statistic("p100"), 10);
  for (const char* unknown : {"p101", "p", "median", "P50", ""})
    EXPECT_FALSE(bucket.statistic(unknown)) << unknown;
}

TEST(Statistics, PeriodsBeginAtMultiplesOfThePeriod) {
  std::vector<Sample> samples(3);
  samples[0].time_ms = 59'999, samples[1].time_ms = 60'000, samples[2].time_ms = 119'999;
  const Buckets buckets = by_period(samples, 60);
  ASSERT_EQ(buckets.size(), 2u);
  EXPECT_EQ(buckets.at(0).statistic("SampleCount"), 1);
  EXPECT_EQ(buckets.at(60'000).statistic("SampleCount"), 2);
}

}  // namespace
}  // namespace sagelet::cloudwatch
