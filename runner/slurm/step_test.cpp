#include "runner/slurm/step.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/fs.hpp"
#include "runner/slurm/stream.hpp"

namespace sagelet::runner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// With a script in the place of srun.
class Steps : public testing::Test {
 protected:
  void SetUp() override {
    const char* path = std::getenv("PATH");
    path_ = path ? path : "";
    spec_.launcher = "srun";
    spec_.hosts = {"algo-1", "algo-2"};
  }
  void TearDown() override { ::setenv("PATH", path_.c_str(), 1); }

  void srun(const std::string& script) {
    const std::string head = "#!/bin/bash\nexport LC_ALL=C\ncd '" + folder_.path().string() + "'\n";
    const std::string words =
        "first() { echo 'sagelet 0.{\"node\":\"n1\",\"address\":\"10.0.0.1\"}'; }\n"
        "second() { echo 'sagelet 1.{\"node\":\"n2\",\"address\":\"10.0.0.2\"}'; }\n";
    ASSERT_TRUE(write_file(folder_.path() / "srun", head + words + script, false, 0755));
    ::setenv("PATH", (folder_.path().string() + ":" + path_).c_str(), 1);
  }

  /// Until srun has ended.
  void listen(Crew& crew) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (crew.busy() && std::chrono::steady_clock::now() < deadline) {
      std::vector<pollfd> fds;
      for (const int fd : crew.fds()) fds.push_back({fd, POLLIN, 0});
      ::poll(fds.data(), fds.size(), 1000);
      crew.hear({.report = [this](std::string_view text) { reports_.emplace_back(text); },
                 .gone = [this](const std::string& host,
                                const std::string& how) { gone_.push_back(host + " " + how); }});
    }
    EXPECT_FALSE(crew.busy());
  }

  std::string file(const char* name) {
    const auto text = read_file(folder_.path() / name);
    return text ? *text : std::string();
  }

  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "step-");
  std::string path_;
  JobSpec spec_;
  std::vector<std::string> reports_, gone_;
};

TEST_F(Steps, HostsStartWhenAllHaveSaidWhereTheyAre) {
  srun(
      "echo \"$@\" >words; echo welcome to the site; second\n"
      "read -t 0.3 early && echo 'sagelet 0.{\"gone\":\"too early\"}'\n"
      "first; read -r order; echo \"$order\" >order\n"
      "echo 'sagelet 1.{\"report\":\"told\"}'; echo 'sagelet 1.{\"gone\":\"killed\"}'\n");
  const auto crew = make_step(spec_);
  ASSERT_TRUE(crew->start());
  EXPECT_THAT(crew->absent(), IsEmpty());
  listen(*crew);
  EXPECT_THAT(reports_, ElementsAre("told"));
  EXPECT_THAT(gone_, ElementsAre("algo-2 killed", "algo-1 node n1: srun ended"));
  EXPECT_THAT(file("words"), HasSubstr("--nodes=2 --ntasks=2"));
  const auto order = StepOrder::from_line(file("order"));
  ASSERT_TRUE(order);
  EXPECT_THAT(order->addresses, ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_EQ(JobSpec::from_json(order->spec)->hosts, spec_.hosts);
}

TEST_F(Steps, AStopBeforeTheyHaveMetIsToldWhenTheyHaveStarted) {
  srun(
      "while [ ! -e stopped ]; do sleep 0.02; done\n"
      "first; second; read -r order; read -r stop; echo \"$stop\" >stop\n");
  const auto crew = make_step(spec_);
  ASSERT_TRUE(crew->start());
  crew->stop();
  ASSERT_TRUE(write_file(folder_.path() / "stopped", ""));
  listen(*crew);
  EXPECT_TRUE(StepOrder::from_line(file("stop"))->stop);
}

TEST_F(Steps, WhatSrunComplainsOfFirstIsHowItsHostsAreLost) {
  srun(
      "first; second; read -r order\n"
      "echo 'srun: error: n2: task 1: Killed' >&2; echo 'srun: error: another' >&2; exit 1\n");
  const auto crew = make_step(spec_);
  ASSERT_TRUE(crew->start());
  listen(*crew);
  EXPECT_THAT(gone_, ElementsAre("algo-1 node n1: srun: error: n2: task 1: Killed",
                                 "algo-2 node n2: srun: error: n2: task 1: Killed"));
}

TEST_F(Steps, WithoutSrunNoHostHasARunner) {
  ::setenv("PATH", folder_.path().c_str(), 1);
  const auto crew = make_step(spec_);
  EXPECT_FALSE(crew->start());
  EXPECT_FALSE(crew->busy());
  EXPECT_THAT(crew->absent(), ElementsAre("algo-1", "algo-2"));
}

}  // namespace
}  // namespace sagelet::runner
