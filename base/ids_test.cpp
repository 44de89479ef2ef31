#include "base/ids.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <thread>
#include <vector>

#include "base/testing.hpp"

namespace sagelet {
namespace {

TEST(RandomIds, HaveTheirShapes) {
  RandomIds ids;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(std::regex_match(
        ids.uuid(), std::regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")));
    ASSERT_TRUE(std::regex_match(ids.lower_alnum(20), std::regex("[0-9a-z]{20}")));
    ASSERT_TRUE(std::regex_match(ids.upper_alnum(16), std::regex("[0-9A-Z]{16}")));
    ASSERT_TRUE(std::regex_match(ids.hex(32), std::regex("[0-9a-f]{64}")));
  }
  EXPECT_EQ(ids.lower_alnum(0), "");
}

TEST(RandomIds, DoNotRepeatInAnyThread) {
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::thread> threads;
  for (auto& mine : made)
    threads.emplace_back([&mine] {
      RandomIds ids;
      for (int i = 0; i < 1000; ++i) mine.push_back(ids.uuid());
    });
  for (auto& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& mine : made) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 4000u);
}

TEST(RandomIds, UseTheirWholeAlphabet) {
  RandomIds ids;
  const std::string many = ids.lower_alnum(5000);
  EXPECT_EQ(std::set<char>(many.begin(), many.end()).size(), 36u);
}

TEST(CountingIds, CanBeForetold) {
  CountingIds ids;
  EXPECT_EQ(ids.uuid(), "00000000-0000-4000-8000-000000000001");
  EXPECT_EQ(ids.lower_alnum(4), "0002");
  EXPECT_EQ(ids.hex(3), "000003");
  EXPECT_EQ(ids.number(), 4u);
  EXPECT_EQ(ids.upper_alnum(1), "5");
}

TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock;
  EXPECT_EQ(to_millis(clock.now()), 1767225600000);
  const SteadyTime before = clock.steady();
  clock.advance(std::chrono::seconds(3));
  EXPECT_EQ(to_millis(clock.now()), 1767225603000);
  EXPECT_EQ(clock.steady() - before, std::chrono::seconds(3));
  clock.set(from_millis(5));
  EXPECT_EQ(to_millis(clock.now()), 5);
  EXPECT_EQ(clock.steady() - before, std::chrono::seconds(3)) << "deadlines do not care for the wall clock";
}

}  // namespace
}  // namespace sagelet
