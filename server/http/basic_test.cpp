#include "server/http/basic.hpp"

#include "gtest/gtest.h"

namespace sagelet::http {
namespace {

TEST(Basic, IsAUserAndAPasswordThatMayHaveColons) {
  const auto basic = parse_basic("bAsIc dXNlcjphOmI=");  // user:a:b
  ASSERT_TRUE(basic);
  EXPECT_EQ(basic->user, "user");
  EXPECT_EQ(basic->password, "a:b");
}

TEST(Basic, AnythingElseIsNone) {
  for (const char* text : {"", "Basic", "Basic ", "Basic !", "Basic dXNlcg==", "Bearer dXNlcjph", "dXNlcjph"})
    EXPECT_FALSE(parse_basic(text)) << text;
}

}  // namespace
}  // namespace sagelet::http
