#include "server/services/s3/access/wildcards.hpp"

#include <gtest/gtest.h>

#include <map>

namespace sagelet::s3 {
namespace {

using Case = Wildcards::Case;

ConditionValues values(std::map<std::string, std::vector<std::string>, std::less<>> known) {
  return [known = std::move(known)](std::string_view key) {
    const auto found = known.find(key);
    return found == known.end() ? std::vector<std::string>() : found->second;
  };
}

TEST(Wildcards, AStarTakesAnyRunAndAQuestionMarkOneCharacter) {
  EXPECT_TRUE(Wildcards::of("a*c").matches("ac"));
  EXPECT_TRUE(Wildcards::of("a*c").matches("abcabc"));
  EXPECT_FALSE(Wildcards::of("a*c").matches("abcab"));
  EXPECT_TRUE(Wildcards::of("*").matches(""));
  EXPECT_TRUE(Wildcards::of("a?c").matches("abc"));
  EXPECT_FALSE(Wildcards::of("a?c").matches("ac"));
  EXPECT_TRUE(
      Wildcards::of("a?c").matches("a\xC3\xA4"
                                   "c"))
      << "a character, not a byte";
  EXPECT_TRUE(Wildcards::of("*a*b?").matches("xaxbxbz"));
  EXPECT_FALSE(Wildcards::of("").matches("a"));
}

TEST(Wildcards, CaseMattersUnlessItIsIgnored) {
  EXPECT_FALSE(Wildcards::of("s3:get*").matches("s3:GetObject"));
  EXPECT_TRUE(Wildcards::of("s3:get*").matches("s3:GetObject", Case::kIgnored));
  EXPECT_FALSE(Wildcards::literal("a*").matches("ab"));
}

TEST(Wildcards, TheValueOfAVariableIsNoPattern) {
  const auto request = values({{"aws:username", {"a*"}}});
  const auto pattern = Wildcards::with_variables("home/${aws:UserName}/*", request);
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->matches("home/a*/x"));
  EXPECT_FALSE(pattern->matches("home/ab/x"));
}

TEST(Wildcards, AVariableWithoutAValueHasItsDefaultOrFitsNothing) {
  const auto nothing = values({{"aws:two", {"1", "2"}}});
  EXPECT_FALSE(Wildcards::with_variables("home/${aws:username}", nothing));
  EXPECT_FALSE(Wildcards::with_variables("home/${aws:two}", nothing));
  const auto pattern = Wildcards::with_variables("home/${aws:username, 'guest'}", nothing);
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->matches("home/guest"));
  EXPECT_FALSE(Wildcards::with_variables("${aws:username, guest}", nothing));
}

TEST(Wildcards, EscapedWildcardsAreThemselves) {
  const auto pattern = Wildcards::with_variables("${*}${?}${$}${", values({}));
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->matches("*?$${"));
  EXPECT_FALSE(pattern->matches("ab$${"));
}

TEST(Wildcards, KnowsWhatMayBeginAMatch) {
  EXPECT_TRUE(Wildcards::of("buck*").may_begin_with("bucket/"));
  EXPECT_TRUE(Wildcards::of("*y").may_begin_with("bucket/"));
  EXPECT_TRUE(Wildcards::of("b?cket/x").may_begin_with("bucket/"));
  EXPECT_FALSE(Wildcards::of("bucket").may_begin_with("bucket/"));
  EXPECT_FALSE(Wildcards::of("other/*").may_begin_with("bucket/"));
}

TEST(Wildcards, KeysLoseTheirCaseButNotThatOfATag) {
  EXPECT_EQ(condition_key("s3:ExistingObjectTag/Team"), "s3:existingobjecttag/Team");
}

}  // namespace
}  // namespace sagelet::s3
