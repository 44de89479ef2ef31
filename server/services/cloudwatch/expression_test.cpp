#include "server/services/cloudwatch/expression.hpp"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet::cloudwatch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr std::int64_t kMinute = 60'000;

class Expression : public ::testing::Test {
 protected:
  Expression() {
    around_.span = {0, 4 * kMinute};
    around_.metrics = {{.id = "m1", .label = "one", .points = {{0, 1}, {kMinute, 2}, {3 * kMinute, 6}}},
                       {.id = "m2", .label = "two", .points = {{kMinute, 10}, {3 * kMinute, 30}}}};
    around_.find = [this](std::string_view id) -> Result<Value> {
      for (const Series& series : around_.metrics)
        if (series.id == id) return Value(series);
      return Error(ErrorKind::kInvalid, "unknown id");
    };
  }

  Points points(std::string_view text) {
    const auto value = evaluate(text, around_);
    EXPECT_TRUE(value) << text << ": " << value.error().message();
    if (!value || !std::holds_alternative<Series>(*value)) return {};
    return std::get<Series>(*value).points;
  }
  double number(std::string_view text) {
    const auto value = evaluate(text, around_);
    EXPECT_TRUE(value) << text << ": " << value.error().message();
    return value ? std::get<double>(*value) : 0;
  }
  std::string refusal(std::string_view text) {
    const auto value = evaluate(text, around_);
    return value ? "not refused" : value.error().message();
  }

  Surroundings around_;
};

TEST_F(Expression, NumbersBindAsInArithmetic) {
  EXPECT_EQ(number("1 + 2 * 3"), 7);
  EXPECT_EQ(number("(1 + 2) * 3"), 9);
  EXPECT_EQ(number("8 / 4 / 2"), 1);
  EXPECT_EQ(number("7 - 2 - 1"), 4);
  EXPECT_EQ(number("2 ^ 3 ^ 2"), 512);
  EXPECT_EQ(number("--2 * -1.5e1"), -30);
  EXPECT_EQ(number("ABS(-2) + CEIL(0.1) + FLOOR(1.9)"), 4);
}

TEST_F(Expression, ANumberIsAValueOfEveryMomentAndTwoSeriesMeetWhereBothHaveOne) {
  EXPECT_THAT(points("100 * m1"), ElementsAre(Pair(0, 100), Pair(kMinute, 200), Pair(3 * kMinute, 600)));
  EXPECT_THAT(points("10 - m1"), ElementsAre(Pair(0, 9), Pair(kMinute, 8), Pair(3 * kMinute, 4)));
  EXPECT_THAT(points("m2 / m1"), ElementsAre(Pair(kMinute, 5), Pair(3 * kMinute, 5)));
}

TEST_F(Expression, AggregatesMakeSeriesOfListsAndNumbersOfSeries) {
  EXPECT_THAT(points("SUM(METRICS())"), ElementsAre(Pair(0, 1), Pair(kMinute, 12), Pair(3 * kMinute, 36)));
  EXPECT_THAT(points("MAX([m1, m2])"), ElementsAre(Pair(0, 1), Pair(kMinute, 10), Pair(3 * kMinute, 30)));
  EXPECT_THAT(points("MIN(METRICS('m2'))"), ElementsAre(Pair(kMinute, 10), Pair(3 * kMinute, 30)));
  EXPECT_EQ(number("AVG(m1)"), 3);
  EXPECT_EQ(number("SUM(m2)"), 40);
  EXPECT_EQ(number("STDDEV(m2)"), 10);
  EXPECT_EQ(number("PERIOD(m1)"), 60);
  EXPECT_THAT(points("100 * m2 / SUM(m2)"), ElementsAre(Pair(kMinute, 25), Pair(3 * kMinute, 75)));
}

TEST_F(Expression, AListStaysAList) {
  const auto value = evaluate("METRICS() * 2", around_);
  ASSERT_TRUE(value);
  const auto& list = std::get<std::vector<Series>>(*value);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1].label, "two");
  EXPECT_THAT(list[1].points, ElementsAre(Pair(kMinute, 20), Pair(3 * kMinute, 60)));
  EXPECT_THAT(points("LAST(METRICS())"), ElementsAre(Pair(kMinute, 10), Pair(3 * kMinute, 30)));
}

TEST_F(Expression, FillGivesEachPeriodAValue) {
  EXPECT_THAT(points("FILL(m2, 0)"),
              ElementsAre(Pair(0, 0), Pair(kMinute, 10), Pair(2 * kMinute, 0), Pair(3 * kMinute, 30)));
  EXPECT_THAT(points("FILL(m2, REPEAT)"),
              ElementsAre(Pair(kMinute, 10), Pair(2 * kMinute, 10), Pair(3 * kMinute, 30)));
  EXPECT_THAT(points("FILL(m2, LINEAR)"),
              ElementsAre(Pair(kMinute, 10), Pair(2 * kMinute, 20), Pair(3 * kMinute, 30)));
}

TEST_F(Expression, SeriesAreWalkedAlong) {
  EXPECT_THAT(points("DIFF(m1)"), ElementsAre(Pair(kMinute, 1), Pair(3 * kMinute, 4)));
  EXPECT_THAT(points("RATE(m2)"), ElementsAre(Pair(3 * kMinute, 20.0 / 120)));
  EXPECT_THAT(points("RUNNING_SUM(m1)"), ElementsAre(Pair(0, 1), Pair(kMinute, 3), Pair(3 * kMinute, 9)));
}

TEST_F(Expression, WhatIsNotUnderstoodIsNamed) {
  EXPECT_THAT(refusal("m1 >"), HasSubstr("'>' is not understood"));
  EXPECT_THAT(refusal("m9"), HasSubstr("unknown id"));
  EXPECT_THAT(refusal("SUM(m1"), HasSubstr("')' is missing"));
  EXPECT_THAT(refusal(""), HasSubstr("ends too early"));
  EXPECT_THAT(refusal("SEARCH('{a} b', 'Average')"), HasSubstr("SEARCH is not supported"));
  EXPECT_THAT(refusal("SELECT AVG(x) FROM y"), HasSubstr("SELECT is not supported"));
  EXPECT_THAT(refusal("ANOMALY_DETECTION_BAND(m1)"), HasSubstr("ANOMALY_DETECTION_BAND is not supported"));
  EXPECT_THAT(refusal("METRICS() + METRICS()"), HasSubstr("two lists"));
  EXPECT_THAT(refusal("[1]"), HasSubstr("a list holds series"));
  EXPECT_THAT(refusal(std::string(2000, '(')), HasSubstr("too deeply"));
}

}  // namespace
}  // namespace sagelet::cloudwatch
