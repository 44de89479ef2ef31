#include "runner/slurm/settle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.hpp"

namespace sagelet::runner {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class Settling : public testing::Test {
 protected:
  void SetUp() override {
    spec_.launcher = "srun";
    spec_.server_url = "http://10.0.0.5:4580";
    spec_.access_key = "ASIA1";
    spec_.session_token = "0f";
    spec_.folder = job_folder() + "/algo-2";
  }
  std::string job_folder() const { return (node_.path() / "sagelet-j1").string(); }
  std::vector<std::string> settle() { return runner::settle(spec_, job_folder()); }

  TempFolder node_ = *TempFolder::make(fs::temp_directory_path(), "settle-");
  JobSpec spec_;
};

TEST_F(Settling, TheProxyIsGivenTheJobsOwnCredentials) {
  spec_.host_environment = {"HTTPS_PROXY=http://127.0.0.1:4577", "https_proxy=http://127.0.0.1:4577",
                            "NO_PROXY=127.0.0.1"};
  settle();
  EXPECT_THAT(spec_.host_environment,
              testing::ElementsAre("HTTPS_PROXY=http://ASIA1:0f@10.0.0.5:4580",
                                   "https_proxy=http://ASIA1:0f@10.0.0.5:4580", "NO_PROXY=127.0.0.1"));
}

TEST_F(Settling, WhatNamesTheServersFilesIsLeftBehind) {
  spec_.host_environment = {"HOME=/",
                            "CONDA_PREFIX=/opt/conda",
                            "PIP_CONFIG_FILE=/nowhere/pip.conf",
                            "PIP_INDEX_URL=http://i/simple",
                            "TZ=UTC",
                            "SAGELET_JOB_ID=j1",
                            "AWS_CA_BUNDLE=/data/bundle.pem",
                            "PIP_FIND_LINKS=/tmp"};
  settle();
  EXPECT_THAT(
      spec_.host_environment,
      testing::ElementsAre("PIP_INDEX_URL=http://i/simple", "TZ=UTC", "SAGELET_JOB_ID=j1",
                           "AWS_CA_BUNDLE=" + spec_.folder + "/ca-bundle.pem", "PIP_FIND_LINKS=/tmp"));
}

TEST_F(Settling, JobsOfAUserShareACacheOfTheNode) {
  spec_.pip_cache = "/home/server/pip-cache";
  settle();
  EXPECT_EQ(spec_.pip_cache, (node_.path() / ("sagelet-pip-cache-" + std::to_string(::geteuid()))).string());
  struct stat about;
  ASSERT_EQ(::stat(spec_.pip_cache.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0700u);
}

TEST_F(Settling, ACacheThatOthersCouldFillIsNotUsed) {
  spec_.pip_cache = "/home/server/pip-cache";
  const auto cache = node_.path() / ("sagelet-pip-cache-" + std::to_string(::geteuid()));
  ASSERT_TRUE(make_folders(cache));
  ASSERT_EQ(::chmod(cache.c_str(), 0777), 0);
  settle();
  EXPECT_EQ(spec_.pip_cache, spec_.folder + "/pip-cache");
}

TEST_F(Settling, AnInterpreterThatIsNotHereIsToldAndReplaced) {
  spec_.python = "/home/server/venv/bin/python";
  EXPECT_THAT(settle(), Contains(HasSubstr("/home/server/venv/bin/python is not on this node")));
  EXPECT_EQ(spec_.python, "python3");
  spec_.python = "/bin/sh";
  EXPECT_THAT(settle(), IsEmpty());
  EXPECT_EQ(spec_.python, "/bin/sh");
}

TEST_F(Settling, WhatANodeCannotDoIsRefusedWithTheRemedy) {
  EXPECT_TRUE(can_run_on_node(spec_));
  spec_.network_isolation = true;
  EXPECT_TRUE(can_run_on_node(spec_));
  spec_.hosts = {"algo-1", "algo-2"};
  EXPECT_THAT(can_run_on_node(spec_).error().message(), HasSubstr("InstanceCount"));
  spec_.network_isolation = false;
  spec_.sandbox = "docker";
  spec_.image = "me/trainer:1";
  EXPECT_THAT(can_run_on_node(spec_).error().message(), HasSubstr("me/trainer:1"));
}

}  // namespace
}  // namespace sagelet::runner
