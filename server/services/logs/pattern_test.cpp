#include "server/services/logs/pattern.hpp"

#include "gtest/gtest.h"

namespace sagelet::logs {
namespace {

bool matches(std::string_view pattern, std::string_view message) {
  return Pattern::parse(pattern).value().matches(message);
}

TEST(Pattern, NothingMatchesEverything) {
  EXPECT_TRUE(matches("", "any line"));
  EXPECT_TRUE(matches("  ", "any line"));
}

TEST(Pattern, AllTermsMustAppear) {
  EXPECT_TRUE(matches("ERROR disk", "ERROR: the disk is full"));
  EXPECT_FALSE(matches("ERROR disk", "ERROR: no memory"));
  EXPECT_FALSE(matches("error", "ERROR"));
}

TEST(Pattern, AQuotedPhraseIsOneTerm) {
  EXPECT_TRUE(matches("\"disk is full\"", "the disk is full"));
  EXPECT_FALSE(matches("\"disk full\"", "the disk is full"));
  EXPECT_TRUE(matches(R"("say \"hi\"")", "they say \"hi\""));
}

TEST(Pattern, MinusExcludesAndQuestionMarkOffersAChoice) {
  EXPECT_FALSE(matches("ERROR -disk", "ERROR: disk"));
  EXPECT_TRUE(matches("?WARN ?ERROR", "WARN: it rains"));
  EXPECT_FALSE(matches("?WARN ?ERROR", "INFO: it rains"));
}

TEST(Pattern, RefusesLanguagesItDoesNotKnow) {
  EXPECT_FALSE(Pattern::parse("{ $.level = \"error\" }"));
  EXPECT_FALSE(Pattern::parse("[ip, user]"));
  EXPECT_FALSE(Pattern::parse("%a+%"));
  EXPECT_FALSE(Pattern::parse("\"open"));
}

}  // namespace
}  // namespace sagelet::logs
