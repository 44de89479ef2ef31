#include "runner/slurm/stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sagelet::runner {
namespace {

using testing::ElementsAre;

class Streams : public testing::Test {
 protected:
  void feed(std::string_view bytes) {
    words_.feed(
        bytes, [&](const Word& word) { heard_.push_back(word); },
        [&](std::string_view text) { noise_.emplace_back(text); });
  }
  Words words_;
  std::vector<Word> heard_;
  std::vector<std::string> noise_;
};

TEST_F(Streams, ALongWordComesInLinesThatSrunLeavesWhole) {
  const Word word{.rank = 3, .report = std::string(5000, 'x') + "\n\""};
  const std::string text = word.to_lines();
  std::size_t longest = 0;
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != text.npos; at = end + 1)
    longest = std::max(longest, end + 1 - at);
  EXPECT_LT(longest, 1024u);
  for (const char c : text) feed({&c, 1});
  ASSERT_EQ(heard_.size(), 1u);
  EXPECT_EQ(heard_[0].rank, 3);
  EXPECT_EQ(heard_[0].report, word.report);
}

TEST_F(Streams, HostsMayTalkAtTheSameTime) {
  const std::string one = Word{.rank = 0, .report = std::string(2000, 'a')}.to_lines();
  const std::string two = Word{.rank = 1, .gone = "killed"}.to_lines();
  const auto middle = one.find('\n') + 1;
  feed(one.substr(0, middle) + two + one.substr(middle));
  ASSERT_EQ(heard_.size(), 2u);
  EXPECT_EQ(heard_[0].gone, "killed");
  EXPECT_EQ(heard_[1].report, std::string(2000, 'a'));
}

TEST_F(Streams, WhatASiteSaysIsNoWord) {
  feed(
      "Welcome to the cluster\nsagelet \nsagelet x.{}\nsagelet -1.{}\nsagelet 99999999999.{}\nsagelet "
      "1.[]\nsagelet 1");
  EXPECT_TRUE(heard_.empty());
  EXPECT_THAT(noise_, ElementsAre("Welcome to the cluster", "sagelet ", "sagelet x.{}", "sagelet -1.{}",
                                  "sagelet 99999999999.{}", "sagelet 1.[]"));
}

TEST(StepOrder, ComesBackAsItWasWritten) {
  const StepOrder order{
      .stop = true, .spec = "{\"a\":\"\\n\"}", .leader = "n1", .addresses = {"10.0.0.1", "::1"}};
  const std::string line = order.to_line();
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto back = StepOrder::from_line(line);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->stop);
  EXPECT_EQ(back->spec, order.spec);
  EXPECT_EQ(back->leader, "n1");
  EXPECT_THAT(back->addresses, ElementsAre("10.0.0.1", "::1"));
  EXPECT_FALSE(StepOrder::from_line("[]"));
  EXPECT_FALSE(StepOrder::from_line("{\"addresses\":1}"));
}

}  // namespace
}  // namespace sagelet::runner
