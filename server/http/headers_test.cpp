#include "server/http/headers.hpp"

#include "gtest/gtest.h"

namespace sagelet::http {
namespace {

TEST(Headers, FindsANameWhateverItsCase) {
  Headers headers;
  headers.add("Content-Type", "text/plain");
  EXPECT_EQ(headers.get("content-TYPE"), "text/plain");
  EXPECT_FALSE(headers.has("content-typ"));
}

TEST(Headers, SetReplacesEveryFieldOfTheName) {
  Headers headers;
  headers.add("X-A", "1");
  headers.add("x-b", "2");
  headers.add("x-a", "3");
  headers.set("X-a", "4");
  EXPECT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers.joined("x-a"), "4");
}

TEST(Headers, SetAddsWhatWasNotThere) {
  Headers headers;
  headers.set("X-New", "1");
  EXPECT_EQ(headers.get("x-new"), "1");
}

TEST(Headers, JoinsValuesInTheOrderTheyCame) {
  Headers headers;
  headers.add("Accept", "a");
  headers.add("accept", "b,c");
  EXPECT_EQ(headers.joined("ACCEPT"), "a, b,c");
}

TEST(Headers, RemovesEveryFieldOfTheName) {
  Headers headers;
  headers.add("A", "1");
  headers.add("a", "2");
  headers.add("B", "3");
  headers.remove("a");
  EXPECT_EQ(headers.size(), 1u);
}

}  // namespace
}  // namespace sagelet::http
