#include "server/jobs/placement/local/local.hpp"

#include <signal.h>
#include <stdlib.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/jobs/fakes.hpp"

namespace sagelet::jobs {
namespace {

TEST(LocalPlacement, SaysWhichRunnerIsMissing) {
  const auto home = *TempFolder::make(fs::temp_directory_path(), "local-");
  LocalPlacement placement(home.path() / "nothing", home.path() / "jobs");
  EXPECT_THAT(placement.probe().error().message(), testing::HasSubstr("nothing"));
}

TEST(LocalPlacement, TheRunnersEnvironmentIsSmallAndMarked) {
  const auto home = *TempFolder::make(fs::temp_directory_path(), "local-");
  ::setenv("SOMEBODYS_SECRET", "x", 1);
  LocalPlacement placement(write_fake_runner(home.path()), home.path() / "jobs");
  JobSpec spec;
  spec.job_id = "marked";
  spec.host_environment = {"PIP_INDEX_URL=http://pip", "LANG=xx"};
  const auto handle = placement.start(spec);
  ASSERT_TRUE(handle);
  ASSERT_TRUE(eventually([&] { return fs::exists(home.path() / "jobs/marked/up"); }));
  const auto environment = *read_file("/proc/" + handle->substr(0, handle->find(' ')) + "/environ");
  EXPECT_THAT(environment, testing::HasSubstr("SAGELET_JOB_ID=marked"));
  EXPECT_THAT(environment, testing::HasSubstr("PIP_INDEX_URL=http://pip"));
  EXPECT_THAT(environment, testing::HasSubstr(std::string("LANG=xx\0", 8)));
  EXPECT_THAT(environment, testing::Not(testing::HasSubstr("SOMEBODYS_SECRET")));
  placement.kill({"marked"}, {*handle});
}

TEST(LocalPlacement, OnlyItsOwnerReadsASpec) {
  const auto home = *TempFolder::make(fs::temp_directory_path(), "local-");
  LocalPlacement placement(write_fake_runner(home.path()), home.path() / "jobs");
  JobSpec spec;
  spec.job_id = "secret";
  const auto handle = placement.start(spec);
  ASSERT_TRUE(handle);
  EXPECT_EQ(fs::status(home.path() / "jobs/secret/spec.json").permissions(), fs::perms(0600));
  placement.kill({"secret"}, {*handle});
}

TEST(LocalPlacement, AHostThatIsDyingAfterItsRunnerIsNotTakenForIt) {
  const auto home = *TempFolder::make(fs::temp_directory_path(), "local-");
  LocalPlacement placement(write_fake_runner(home.path()), home.path() / "jobs");
  set_mode(home.path(), "hosts");
  JobSpec spec;
  spec.job_id = "two";
  const auto first = placement.start(spec);
  ASSERT_TRUE(first);
  ASSERT_TRUE(eventually([&] { return fs::exists(home.path() / "jobs/two/up"); }));
  ASSERT_EQ(::kill(std::stoi(*first), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return !placement.alive(*first); }));
  const auto found = placement.find("two");
  EXPECT_FALSE(found && placement.alive(*found));
  const auto second = placement.start(spec);
  EXPECT_TRUE(second) << second.error().message();
  placement.kill({"two"}, {});
}

}  // namespace
}  // namespace sagelet::jobs
