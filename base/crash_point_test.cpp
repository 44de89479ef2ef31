#include "base/crash_point.hpp"

#include <gtest/gtest.h>

#include "base/child.hpp"

#ifdef SAGELET_CRASH_POINTS
namespace sagelet {
namespace {

/// The body of the child that a test below starts: this test program, told to run this test alone.
TEST(CrashPoint, DISABLED_PassesAPointThreeTimes) {
  for (int i = 0; i < 3; ++i) crash_point("here");
  crash_point("there");
}

ExitStatus run(std::string crash_at) {
  ChildOptions options{.argv = {"/proc/self/exe", "--gtest_filter=CrashPoint.DISABLED_PassesAPointThreeTimes",
                                "--gtest_also_run_disabled_tests", "--gtest_brief=1"}};
  options.environment = {{"SAGELET_CRASH_AT=" + crash_at}};
  auto child = Child::start(options);
  EXPECT_TRUE(child);
  return *child->wait();
}

TEST(CrashPoint, KillsAtTheNamedPassageOnly) {
  EXPECT_TRUE(run("elsewhere").ok());
  EXPECT_EQ(run("here").signal, 9);
  EXPECT_EQ(run("here:3").signal, 9);
  EXPECT_TRUE(run("here:4").ok());
  EXPECT_EQ(run("there").signal, 9);
}

}  // namespace
}  // namespace sagelet
#endif
