#include "base/role_id.hpp"

#include "gtest/gtest.h"

namespace sagelet {
namespace {

TEST(RoleId, IsTheSameForTheSameRoleOfTheSameAccountOnly) {
  const std::string id = role_id("000000000000", "Trainer");
  EXPECT_EQ(id.size(), 21u);
  EXPECT_TRUE(id.starts_with("AROA"));
  EXPECT_EQ(id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), std::string::npos);
  EXPECT_EQ(role_id("000000000000", "Trainer"), id);
  EXPECT_NE(role_id("111111111111", "Trainer"), id);
  EXPECT_NE(role_id("000000000000", "Other"), id);
}

}  // namespace
}  // namespace sagelet
