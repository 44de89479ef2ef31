#include "server/http/conditional.hpp"

#include "base/time_text.hpp"
#include "gtest/gtest.h"

namespace sagelet::http {
namespace {

constexpr auto kBefore = "Tue, 24 Nov 2026 11:00:00 GMT";
constexpr auto kSame = "Tue, 24 Nov 2026 12:00:00 GMT";
constexpr auto kAfter = "Tue, 24 Nov 2026 13:00:00 GMT";

Validators current() {
  return {"\"abc\"", *parse_http_date(kSame) + std::chrono::milliseconds(700)};
}

Conditions with(std::initializer_list<Header> fields) {
  Headers headers;
  for (const Header& field : fields) headers.add(field.name, field.value);
  return Conditions::from(headers);
}

TEST(Conditional, ProceedsWithoutConditions) {
  EXPECT_FALSE(with({}).any());
  EXPECT_EQ(with({}).judge(current(), true), Verdict::kProceed);
}

TEST(Conditional, IfMatchTakesAListWithOrWithoutQuotes) {
  for (const auto* list : {"\"abc\"", "abc", "*", "\"x,y\", \"abc\"", "x , abc"})
    EXPECT_EQ(with({{"If-Match", list}}).judge(current(), true), Verdict::kProceed) << list;
  for (const auto* list : {"\"abcd\"", "W/\"abc\"", "", "\"x,abc\""})
    EXPECT_EQ(with({{"If-Match", list}}).judge(current(), true), Verdict::kPreconditionFailed) << list;
}

TEST(Conditional, IfMatchFailsWhereNothingIs) {
  EXPECT_EQ(with({{"If-Match", "*"}}).judge(std::nullopt, false), Verdict::kPreconditionFailed);
}

TEST(Conditional, IfNoneMatchAnswersReadersNotModifiedAndWritersPreconditionFailed) {
  const Conditions conditions = with({{"If-None-Match", "W/\"abc\""}});
  EXPECT_EQ(conditions.judge(current(), true), Verdict::kNotModified);
  EXPECT_EQ(conditions.judge(current(), false), Verdict::kPreconditionFailed);
  EXPECT_EQ(conditions.judge(std::nullopt, false), Verdict::kProceed);
  EXPECT_EQ(with({{"If-None-Match", "*"}}).judge(current(), false), Verdict::kPreconditionFailed);
  EXPECT_EQ(with({{"If-None-Match", "*"}}).judge(std::nullopt, false), Verdict::kProceed);
}

TEST(Conditional, DatesCompareInWholeSeconds) {
  EXPECT_EQ(with({{"If-Modified-Since", kSame}}).judge(current(), true), Verdict::kNotModified);
  EXPECT_EQ(with({{"If-Modified-Since", kBefore}}).judge(current(), true), Verdict::kProceed);
  EXPECT_EQ(with({{"If-Unmodified-Since", kSame}}).judge(current(), true), Verdict::kProceed);
  EXPECT_EQ(with({{"If-Unmodified-Since", kBefore}}).judge(current(), true), Verdict::kPreconditionFailed);
}

TEST(Conditional, EtagsWinOverDates) {
  EXPECT_EQ(with({{"If-Match", "abc"}, {"If-Unmodified-Since", kBefore}}).judge(current(), true),
            Verdict::kProceed);
  EXPECT_EQ(with({{"If-None-Match", "xyz"}, {"If-Modified-Since", kAfter}}).judge(current(), true),
            Verdict::kProceed);
  EXPECT_EQ(with({{"If-None-Match", "abc"}, {"If-Modified-Since", kBefore}}).judge(current(), true),
            Verdict::kNotModified);
}

TEST(Conditional, AFailedIfMatchIsToldBeforeNotModified) {
  EXPECT_EQ(with({{"If-Match", "xyz"}, {"If-None-Match", "abc"}}).judge(current(), true),
            Verdict::kPreconditionFailed);
}

TEST(Conditional, IgnoresDatesItCannotRead) {
  EXPECT_EQ(with({{"If-Unmodified-Since", "yesterday"}}).judge(current(), true), Verdict::kProceed);
}

TEST(Conditional, WritersIgnoreIfModifiedSince) {
  EXPECT_EQ(with({{"If-Modified-Since", kAfter}}).judge(current(), false), Verdict::kProceed);
}

TEST(Conditional, ReadsTheFieldsOfACopysSource) {
  Headers headers;
  headers.add("X-Amz-Copy-Source-If-None-Match", "abc");
  const Conditions conditions = Conditions::from(headers, "x-amz-copy-source-");
  EXPECT_TRUE(conditions.any());
  EXPECT_NE(conditions.judge(current(), true), Verdict::kProceed);
}

TEST(Conditional, IfRangeWantsTheSameEtagOrTheSameDate) {
  const auto holds = [](const char* value) {
    Headers headers;
    headers.add("If-Range", value);
    return if_range_holds(headers, current());
  };
  EXPECT_TRUE(if_range_holds(Headers(), current()));
  EXPECT_TRUE(holds("\"abc\""));
  EXPECT_FALSE(holds("\"x\""));
  EXPECT_FALSE(holds("W/\"abc\""));
  EXPECT_TRUE(holds(kSame));
  EXPECT_FALSE(holds(kAfter));
}

}  // namespace
}  // namespace sagelet::http
