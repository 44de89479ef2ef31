#include "base/time_text.hpp"

#include <gtest/gtest.h>

namespace sagelet {
namespace {

constexpr std::int64_t kNoon = 1795521600123;  // 2026-11-24T12:00:00.123Z, a Tuesday

TEST(TimeText, HasTheSpellingsOfAws) {
  const WallTime time = from_millis(kNoon);
  EXPECT_EQ(iso8601(time), "2026-11-24T12:00:00.123Z");
  EXPECT_EQ(iso8601_seconds(time), "2026-11-24T12:00:00Z");
  EXPECT_EQ(http_date(time), "Tue, 24 Nov 2026 12:00:00 GMT");
  EXPECT_EQ(amz_date(time), "20261124T120000Z");
  EXPECT_EQ(iso8601(from_millis(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso8601(from_millis(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(http_date(from_millis(951782400000)), "Tue, 29 Feb 2000 00:00:00 GMT");
}

TEST(TimeText, ReadsIso8601InEveryFormSdksSend) {
  const WallTime time = from_millis(kNoon);
  for (const auto* text :
       {"2026-11-24T12:00:00.123Z", "2026-11-24T12:00:00.123456Z", "2026-11-24t12:00:00.123z",
        "2026-11-24T13:30:00.123+01:30", "2026-11-24T05:00:00.123-0700", "2026-11-24T12:00:00.123"})
    EXPECT_EQ(parse_iso8601(text), time) << text;
  EXPECT_EQ(parse_iso8601("2026-11-24T12:00:00Z"), from_millis(kNoon - 123));
  EXPECT_EQ(parse_iso8601("2026-11-24T12:00:00.1Z"), from_millis(kNoon - 23));
  EXPECT_EQ(parse_iso8601("2026-11-24"), from_millis(kNoon - 123 - 12 * 3600 * 1000));
}

TEST(TimeText, RefusesWhatIsNoIso8601) {
  for (const auto* text : {"", "2026", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-24T24:00:00Z",
                           "2026-11-24T12:60:00Z", "2026-11-24T12:00Z", "2026-11-24T12:00:00ZZ",
                           "2026-11-24T12:00:00+1", "20261124T120000Z", "2026-1-1T00:00:00Z", " 2026-11-24"})
    EXPECT_FALSE(parse_iso8601(text)) << text;
}

TEST(TimeText, ReadsTheThreeDatesOfHttp) {  // RFC 9110's own example
  const WallTime time = *parse_iso8601("1994-11-06T08:49:37Z");
  for (const auto* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
    EXPECT_EQ(parse_http_date(text), time) << text;
  EXPECT_EQ(parse_http_date("Tue, 27 Mar 2007 19:36:42 +0000"), parse_iso8601("2007-03-27T19:36:42Z"));
  EXPECT_EQ(parse_http_date("Tue, 27 Mar 2007 19:36:42 -0000"), parse_iso8601("2007-03-27T19:36:42Z"));
  for (const auto* text :
       {"", "Sun", "Sun, ", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nix 1994 08:49:37 GMT", "tomorrow, or later"})
    EXPECT_FALSE(parse_http_date(text)) << text;
}

TEST(TimeText, ReadsAmzDates) {
  EXPECT_EQ(parse_amz_date("20261124T120000Z"), from_millis(kNoon - 123));
  for (const auto* text :
       {"", "20261124", "20261124T120000", "20261124T120000Zx", "20261324T120000Z", "2026112 T120000Z"})
    EXPECT_FALSE(parse_amz_date(text)) << text;
}

TEST(TimeText, GoesBothWays) {
  for (std::int64_t millis = -86400000ll * 40000; millis < 86400000ll * 40000;
       millis += 86400000ll * 97 + 12345678) {
    const WallTime time = from_millis(millis), second = from_millis(millis - ((millis % 1000) + 1000) % 1000);
    ASSERT_EQ(parse_iso8601(iso8601(time)), time);
    ASSERT_EQ(parse_amz_date(amz_date(time)), second);
    ASSERT_EQ(parse_http_date(http_date(time)), second);
  }
}

}  // namespace
}  // namespace sagelet
