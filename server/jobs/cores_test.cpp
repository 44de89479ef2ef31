#include "server/jobs/cores.hpp"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet::jobs {
namespace {

using testing::ElementsAre;

TEST(Cores, AJobTakesHostsTimesTheTypesCoresOrAllOfThem) {
  const Cores cores({0, 1, 2, 3});
  EXPECT_EQ(cores.wanted(1, 2, 0).cores, 2);
  EXPECT_EQ(cores.wanted(2, 2, 0).cores, 4);
  EXPECT_EQ(cores.wanted(3, 96, 0).cores, 4);
  EXPECT_EQ(cores.wanted(1, 96, 1).cores, 1);
  EXPECT_EQ(cores.wanted(1, 2, 2.5).cores, 3);
  EXPECT_EQ(cores.wanted(1, 2, 0.5).share, 0.5);
}

TEST(Cores, NoCoreIsGivenTwice) {
  Cores cores({4, 5, 6});
  EXPECT_THAT(*cores.take({2, 1}), ElementsAre(4, 5));
  EXPECT_FALSE(cores.take({2, 1}));
  EXPECT_EQ(cores.free(), 1);
  EXPECT_THAT(*cores.take({1, 1}), ElementsAre(6));
  cores.give_back({4, 5}, 1);
  EXPECT_THAT(*cores.take({2, 1}), ElementsAre(4, 5));
}

TEST(Cores, SharesFillACoreBeforeTheyOpenANewOne) {
  Cores cores({0, 1});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(cores.take({1, 0.2})) << i;
  EXPECT_FALSE(cores.take({1, 0.2}));
  for (int i = 0; i < 5; ++i) cores.give_back({0}, 0.2);
  EXPECT_EQ(cores.free(), 1);
  EXPECT_THAT(*cores.take({1, 1}), ElementsAre(0));
}

TEST(Cores, BorrowedCoresAreNotHeld) {
  Cores cores({0, 1});
  (void)cores.take({1, 1});
  EXPECT_THAT(cores.borrow({1, 1}), ElementsAre(1));
  EXPECT_THAT(cores.borrow({2, 1}), ElementsAre(0, 1));
  EXPECT_EQ(cores.free(), 1);
}

TEST(Cores, AdoptedCoresAreHeld) {
  Cores cores({0, 1});
  cores.hold({1, 77}, 1);
  EXPECT_THAT(*cores.take({1, 1}), ElementsAre(0));
  EXPECT_FALSE(cores.take({1, 1}));
}

TEST(Cores, ASetIsTextAndBack) {
  EXPECT_EQ(to_text({0, 2, 13}), "0,2,13");
  EXPECT_THAT(cpus_from_text("0,2,13"), ElementsAre(0, 2, 13));
  EXPECT_TRUE(cpus_from_text("").empty());
  EXPECT_FALSE(Cores::of_machine().empty());
}

}  // namespace
}  // namespace sagelet::jobs
