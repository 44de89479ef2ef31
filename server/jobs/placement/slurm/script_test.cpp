#include "server/jobs/placement/slurm/script.hpp"

#include <stdlib.h>

#include "base/fs.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/jobs/program_output.hpp"

namespace sagelet::jobs::slurm {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

JobSpec job(std::string name = "a-job") {
  JobSpec spec;
  spec.job_id = "j-1";
  spec.name = std::move(name);
  spec.arn = "arn:aws:sagemaker:us-east-1:000000000000:training-job/" + spec.name;
  spec.instance_type = "ml.m5.large";
  spec.folder = "/tmp/sagelet-j-1";
  spec.max_runtime_seconds = 3600;
  return spec;
}

std::vector<std::string> words_of(const Settings& settings, const JobSpec& spec) {
  return sbatch_words(spec, wanted(settings, spec, 0, 0), comment_of(spec));
}

TEST(SlurmScript, AnInstanceTypeIsCoresAndMemory) {
  const auto words = words_of({}, job());
  EXPECT_THAT(words, Contains("--cpus-per-task=2"));
  EXPECT_THAT(words, Contains("--mem=8192M"));
  EXPECT_THAT(words, Contains("--nodes=1"));
  EXPECT_THAT(words, Contains("--time=77"));
  EXPECT_THAT(words, Contains("--job-name=sagelet-a-job"));
  EXPECT_THAT(words, Contains("--comment=j-1 arn:aws:sagemaker:us-east-1:000000000000:training-job/a-job"));
  EXPECT_EQ(words.back(), "--no-requeue");
  EXPECT_THAT(words, Not(Contains(HasSubstr("--partition"))));
}

TEST(SlurmScript, TheConfigHasTheLastWordOnAType) {
  Settings settings{.partition = "batch", .options = {"--account=ml"}};
  settings.instance_types["ml.p3.2xlarge"] = {"gpu", "gpu:v100:1", 4, 60ull << 30, {"--constraint=v100"}};
  auto spec = job();
  spec.hosts = {"algo-1", "algo-2"};
  EXPECT_THAT(words_of(settings, spec), Contains("--partition=batch"));
  EXPECT_THAT(words_of(settings, spec), Contains("--nodes=2"));
  spec.instance_type = "ml.p3.2xlarge";
  const auto words = words_of(settings, spec);
  for (const char* word : {"--partition=gpu", "--gres=gpu:v100:1", "--cpus-per-task=4", "--mem=61440M",
                           "--account=ml", "--constraint=v100"})
    EXPECT_THAT(words, Contains(word));
  EXPECT_THAT(words_of({}, spec), Contains("--gres=gpu:1"));
}

TEST(SlurmScript, AClusterOfGroupsIsAsLargeAsItsLargest) {
  auto spec = job();
  spec.instance_groups = {{.name = "a", .instance_type = "ml.m5.large", .hosts = {"algo-1"}},
                          {.name = "b", .instance_type = "ml.m5.4xlarge", .hosts = {"algo-2"}}};
  EXPECT_EQ(wanted({}, spec, 0, 0).cpus, 16);
  EXPECT_EQ(wanted({}, spec, 0.5, 1 << 30).cpus, 1);
  EXPECT_EQ(wanted({}, spec, 0.5, 1 << 30).memory, 1u << 30);
}

TEST(SlurmScript, TheProgramIsToldOfItsMemoryBeforeSlurmKillsAll) {
  EXPECT_EQ(memory_for_program({.memory = 8ull << 30}), (8ull << 30) - (64ull << 20));
  EXPECT_EQ(memory_for_program({.memory = 0}), 0u);
}

TEST(SlurmScript, HostileNamesAreNoColumnsAndNoLines) {
  const auto words = words_of({}, job("a|b\n%x \xc3\xa9"));
  EXPECT_THAT(words, Contains("--job-name=sagelet-a_b__x___"));
  EXPECT_THAT(words,
              Contains("--comment=j-1 arn:aws:sagemaker:us-east-1:000000000000:training-job/a_b__x___"));
}

/// The script as a shell runs it, with a runner that prints what it gets.
class RunScript : public testing::Test {
 protected:
  std::string run(const Settings& settings, JobSpec spec) {
    const auto runner = home_.path() / "a 'runner'";
    (void)write_file(runner, "#!/bin/sh\npwd\ncat spec.json\nprintf '<%s>' \"$@\"\n", false, 0755);
    auto placed = settings;
    placed.runner = runner.native();
    const auto script = home_.path() / "script";
    (void)write_file(script, batch_script(placed, spec, runner.native()));
    (void)output_of({"sh", script.native()});
    return read_file(fs::path(spec.folder) / "runner.log").value_or("");
  }
  TempFolder home_ = *TempFolder::make(fs::temp_directory_path(), "script-");
};

TEST_F(RunScript, GivesTheRunnerItsFolderAndItsSpecWhateverIsInThem) {
  auto spec = job("x");
  spec.folder = (home_.path() / "it's $HOME `id`\n\"folder\"").native();
  spec.hyperparameters["a"] = "'$(id)' \\ END-OF-SPEC\nEND-OF-SPEC\n%s";
  EXPECT_EQ(run({}, spec), spec.folder + "\n" + spec.to_json() + "\n<" + spec.folder + ">");
  EXPECT_EQ(fs::status(fs::path(spec.folder) / "spec.json").permissions(), fs::perms(0600));
  EXPECT_EQ(fs::status(spec.folder).permissions(), fs::perms(0700));
}

TEST_F(RunScript, InASharedFolderTheSpecIsThereAlready) {
  auto spec = job();
  spec.folder = (home_.path() / "shared").native();
  fs::create_directory(spec.folder);
  (void)write_file(fs::path(spec.folder) / "spec.json", "there");
  EXPECT_THAT(run({.shared = home_.path().native()}, spec), HasSubstr("there"));
}

TEST(SlurmScript, ARunnerThatIsSentIsWaitedFor) {
  const auto script = batch_script({}, job(), runner_on_nodes({}, "j-1"));
  EXPECT_THAT(script, HasSubstr("until [ -e '/tmp/sagelet-runner-j-1.whole' ]"));
  EXPECT_THAT(script, HasSubstr("runner='/tmp/sagelet-runner-j-1'\n"));
  EXPECT_THAT(batch_script({.runner = "/opt/r"}, job(), "/opt/r"), Not(HasSubstr("until")));
  EXPECT_EQ(runner_on_nodes({.shared = "/s"}, "j-1"), "/s/.sagelet-runner");
}

TEST(SlurmScript, OnlyALittleOfOurEnvironmentTravels) {
  ::setenv("SOMEBODYS_SECRET", "x", 1);
  ::setenv("SLURM_CONF", "/etc/x.conf", 1);
  const auto environment = submission_environment(job());
  ::unsetenv("SLURM_CONF");
  EXPECT_THAT(environment, Contains("SLURM_CONF=/etc/x.conf"));
  EXPECT_THAT(environment, Contains("SAGELET_JOB_ID=j-1"));
  EXPECT_THAT(environment, Not(Contains(HasSubstr("SOMEBODYS_SECRET"))));
}

}  // namespace
}  // namespace sagelet::jobs::slurm
