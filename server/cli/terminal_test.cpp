#include "server/cli/terminal.hpp"

#include <stdlib.h>

#include "gtest/gtest.h"

namespace sagelet::cli {
namespace {

TEST(Table, ColumnsAreAlignedAndNothingTrails) {
  EXPECT_EQ(table({{"NAME", "STATUS", "TOOK"}, {"a-long-name", "Failed", ""}, {"b", "Completed", "1 s"}}, -1,
                  false),
            "NAME         STATUS     TOOK\n"
            "a-long-name  Failed\n"
            "b            Completed  1 s\n");
  EXPECT_EQ(table({}, 0, false), "");
  EXPECT_EQ(table({{"é", "x"}, {"ab", "y"}}, -1, false), "é   x\nab  y\n");
}

TEST(Table, ColoursDoNotMoveColumns) {
  EXPECT_EQ(table({{"Failed", "x"}, {"Completed", "y"}}, 0, true),
            "\x1b[31mFailed\x1b[0m     x\n\x1b[32mCompleted\x1b[0m  y\n");
}

TEST(Facts, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(facts({{"server", "x"}, {"region", ""}, {"up", "1 s"}}), "server  x\nup      1 s\n");
}

TEST(Colours, AreNotForPipesNorWithNoColor) {
  ::setenv("TERM", "xterm", 1);
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(colours_wanted());
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(colours_wanted());
  EXPECT_EQ(painted("x", Colour::kRed, false), "x");
}

TEST(Report, TellsNobodyThereFromRefused) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(report(Error(ErrorKind::kUnavailable, "nobody")), kNoServer);
  EXPECT_EQ(report(Error(ErrorKind::kNotFound, "no job")), kFailed);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "sagelet: nobody\nsagelet: no job\n");
}

TEST(Terminal, SaysHowManyBytesInWords) {
  EXPECT_EQ(bytes_text(512), "512 bytes");
  EXPECT_EQ(bytes_text(1500), "1.5 kB");
  EXPECT_EQ(bytes_text(999'960), "1.0 MB");
  EXPECT_EQ(bytes_text(3'400'000'000), "3.4 GB");
  EXPECT_EQ(bytes_text(5'000'000'000'000), "5.0 TB");
}

}  // namespace
}  // namespace sagelet::cli
