#include "runner/script_mode/last_words.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace sagelet::script_mode {
namespace {

std::string words(const std::string& text) {
  LastWords last;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) last.line(line);
  return last.text();
}

TEST(LastWords, AreTheLastLineWhichIsNotBlank) {
  EXPECT_EQ(words("one\ntwo\r\n\n   \n"), "two");
  EXPECT_EQ(words("\n\n"), "");
}

TEST(LastWords, AreTheMessageOfATracebackWithAllItsLines) {
  EXPECT_EQ(words("x\nTraceback (most recent call last):\n  File \"a\", line 1\n    f()\n    ^^^\n"
                  "mine.Odd: first\nsecond\n"),
            "mine.Odd: first\nsecond");
}

TEST(LastWords, AreOfTheLastTraceback) {
  EXPECT_EQ(words("Traceback (most recent call last):\n  File\nA: a\n\nDuring handling ...:\n\n"
                  "Traceback (most recent call last):\n  File\nB: b\n"),
            "B: b");
}

TEST(LastWords, ForgetATracebackThatWasLoggedLongBefore) {
  std::string text = "Traceback (most recent call last):\n  File\nOld: caught\n";
  for (int i = 0; i < 40; ++i) text += "epoch " + std::to_string(i) + "\n";
  EXPECT_EQ(words(text), "epoch 39");
}

TEST(LastWords, AreCutAndRepaired) {
  EXPECT_LE(words(std::string(100000, 'x')).size(), 4096u);
  EXPECT_EQ(words("\xff!"), "\xEF\xBF\xBD!");
}

}  // namespace
}  // namespace sagelet::script_mode
