#include "server/http/range.hpp"

#include "gtest/gtest.h"

namespace sagelet::http {
namespace {

using Kind = RangeChoice::Kind;

void expect_part(std::string_view value, std::uint64_t size, std::uint64_t first, std::uint64_t length) {
  const RangeChoice choice = choose_range(value, size);
  EXPECT_EQ(choice.kind, Kind::kPart) << value;
  EXPECT_EQ(choice.first, first) << value;
  EXPECT_EQ(choice.length, length) << value;
}

TEST(Range, ChoosesTheBytesAskedFor) {
  expect_part("bytes=0-0", 10, 0, 1);
  expect_part("bytes=2-5", 10, 2, 4);
  expect_part("Bytes = 2 - 5", 10, 2, 4);
  expect_part("bytes=5-", 10, 5, 5);
  expect_part("bytes=-3", 10, 7, 3);
}

TEST(Range, StopsAtTheEnd) {
  expect_part("bytes=8-100", 10, 8, 2);
  expect_part("bytes=-100", 10, 0, 10);
  expect_part("bytes=0-99999999999999999999999", 10, 0, 10);
  expect_part("bytes=0-18446744073709551615", 10, 0, 10);
}

TEST(Range, CannotSatisfyWhatLiesBehindTheEnd) {
  for (const auto* value : {"bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"})
    EXPECT_EQ(choose_range(value, 10).kind, Kind::kUnsatisfiable) << value;
}

TEST(Range, CannotSatisfyAnythingOfAnEmptyObject) {
  for (const auto* value : {"bytes=0-", "bytes=0-0", "bytes=-5"})
    EXPECT_EQ(choose_range(value, 0).kind, Kind::kUnsatisfiable) << value;
}

TEST(Range, IgnoresWhatItDoesNotUnderstand) {
  for (const auto* value : {"", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=1-b",
                            "lines=0-1", "bytes=0-1,4-5", "bytes=+1-2", "bytes=1-2-3"}) {
    const RangeChoice choice = choose_range(value, 10);
    EXPECT_EQ(choice.kind, Kind::kWhole) << value;
    EXPECT_EQ(choice.length, 10u) << value;
  }
}

TEST(Range, WritesContentRange) {
  EXPECT_EQ(content_range(choose_range("bytes=2-5", 10), 10), "bytes 2-5/10");
  EXPECT_EQ(content_range(choose_range("bytes=10-", 10), 10), "bytes */10");
}

}  // namespace
}  // namespace sagelet::http
