#include "server/jobs/instances.hpp"

#include "gtest/gtest.h"

namespace sagelet::jobs {
namespace {

TEST(Instances, KnowsWhatATypeHas) {
  const auto* type = find_instance("ml.m5.large");
  ASSERT_NE(type, nullptr);
  EXPECT_EQ(type->cores, 2);
  EXPECT_EQ(type->memory(), 8ull << 30);
  EXPECT_EQ(type->gpus, 0);
  EXPECT_EQ(find_instance("ml.p3.16xlarge")->gpus, 8);
  EXPECT_EQ(find_instance("ml.c4.xlarge")->memory_mib, 7680u);  // 7.5 GiB
}

TEST(Instances, KnowsNothingOfOthers) {
  for (const char* type : {"", "ml.m5", "m5.large", "ml.zz9.large", "ml.c4.large" /* hosting only */})
    EXPECT_EQ(find_instance(type), nullptr) << type;
}

}  // namespace
}  // namespace sagelet::jobs
