#include "server/jobs/placement/slurm/answers.hpp"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/jobs/placement/slurm/script.hpp"

namespace sagelet::jobs::slurm {
namespace {

using testing::HasSubstr;
using What = News::What;

TEST(SlurmAnswers, AListIsReadLineByLine) {
  const auto listed = parse_list(
      "Welcome to the cluster | news\n"
      "12|PENDING|ReqNodeNotAvail, UnavailableNodes:n1||batch|j-1 "
      "arn:aws:sagemaker:us-east-1:0:training-job/a\n"
      "13|RUNNING|None|n[1-2]|batch|(null)\n"
      "14|NODE_FAIL|NodeDown|n3|gpu|j-2 x|y\n"
      "x|RUNNING|None|n1|batch|j-3 x\n"
      "15|COMPLETING|None|n1");
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[0].id, "12");
  EXPECT_EQ(listed[0].reason, "ReqNodeNotAvail, UnavailableNodes:n1");
  EXPECT_EQ(listed[0].job_id, "j-1");
  EXPECT_TRUE(listed[0].waits());
  EXPECT_FALSE(listed[0].ended());
  EXPECT_EQ(listed[1].nodes, "n[1-2]");
  EXPECT_EQ(listed[1].job_id, "");
  EXPECT_FALSE(listed[1].waits() || listed[1].ended());
  EXPECT_EQ(listed[2].job_id, "j-2");
  EXPECT_EQ(listed[2].partition, "gpu");
  EXPECT_TRUE(listed[2].ended());
}

TEST(SlurmAnswers, WhatIsRequeuedWaitsAndWhatRunsDoesNot) {
  for (const char* state : {"PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"}) {
    EXPECT_TRUE(Listed{.state = state}.waits()) << state;
    EXPECT_FALSE(Listed{.state = state}.ended()) << state;
  }
  for (const char* state : {"RUNNING", "COMPLETING", "SUSPENDED", "CONFIGURING"})
    EXPECT_FALSE(Listed{.state = state}.waits() || Listed{.state = state}.ended()) << state;
}

TEST(SlurmAnswers, ASubmittedJobsNumberIsFoundAmongASitesOwnLines) {
  EXPECT_EQ(*parse_submitted("12\n"), "12");
  EXPECT_EQ(*parse_submitted("You have 3 hours left\n12;prod\n"), "12");
  EXPECT_FALSE(parse_submitted(""));
  EXPECT_THAT(parse_submitted("hello\n").error().message(), HasSubstr("hello"));
}

TEST(SlurmAnswers, AShownJobsValuesMayHaveSpaces) {
  const auto shown =
      parse_shown("JobId=1 JobName=a b=c Comment=j-1 some words JobState=FAILED ExitCode=0:9 \nJobId=2");
  EXPECT_EQ(shown.at("JobId"), "1");
  EXPECT_EQ(shown.at("JobName"), "a");
  EXPECT_EQ(shown.at("Comment"), "j-1 some words");
  EXPECT_EQ(shown.at("ExitCode"), "0:9");
}

TEST(SlurmAnswers, RefusalsAreToldApart) {
  const auto kind = [](const char* text) { return refusal("sbatch", text).kind(); };
  EXPECT_EQ(
      kind(
          "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)"),
      ErrorKind::kUnavailable);
  EXPECT_EQ(kind("slurm_load_jobs error: Socket timed out on send/recv operation"), ErrorKind::kUnavailable);
  EXPECT_EQ(kind("sbatch: error: Munge encode failed: Failed to access \"/run/munge.sock\""),
            ErrorKind::kUnavailable);
  EXPECT_EQ(kind("sbatch: error: Batch job submission failed: Requested node configuration is not available"),
            ErrorKind::kNoSpace);
  EXPECT_EQ(kind("sbatch: error: invalid partition specified: x"), ErrorKind::kInvalid);
  EXPECT_EQ(refusal("sbatch", "a\n\n b \n").message(), "a; b");
  EXPECT_THAT(refusal("sbatch", "").message(), HasSubstr("without a word"));
}

News ending(const char* state, const Shown& shown = {}) {
  return ending_of({"12", state, "None", "n1", "j-1"}, shown);
}

TEST(SlurmAnswers, EachEndIsTheEndOfAJob) {
  EXPECT_EQ(ending("NODE_FAIL").what, What::kFailed);
  EXPECT_THAT(ending("NODE_FAIL").text, testing::StartsWith("InternalServerError: a node failed on n1"));
  EXPECT_EQ(ending("BOOT_FAIL").what, What::kFailed);
  EXPECT_EQ(ending("PREEMPTED").what, What::kInterrupted);
  EXPECT_EQ(ending("CANCELLED").what, What::kCancelled);
  EXPECT_THAT(ending("CANCELLED").text, HasSubstr("cancelled in Slurm"));
  EXPECT_EQ(ending("TIMEOUT").what, What::kMaxRuntimeExceeded);
  EXPECT_EQ(ending("DEADLINE").what, What::kMaxRuntimeExceeded);
  const auto memory = ending("OUT_OF_MEMORY", {{"MinMemoryNode", "8G"}});
  EXPECT_EQ(memory.what, What::kFailed);
  EXPECT_THAT(memory.text,
              testing::StartsWith("AlgorithmError: OutOfMemory: the job used more than its memory of 8G"));
  EXPECT_EQ(ending("COMPLETED").what, What::kGone);
}

TEST(SlurmAnswers, ABatchScriptThatGaveUpSaysWhy) {
  EXPECT_THAT(ending("FAILED", {{"ExitCode", "73:0"}}).text, HasSubstr("folder could not be made on n1"));
  EXPECT_THAT(ending("FAILED", {{"ExitCode", "69:0"}}).text, HasSubstr("did not reach the node"));
  EXPECT_THAT(ending("FAILED", {{"ExitCode", "127:0"}}).text, HasSubstr("does not start on n1"));
  EXPECT_THAT(ending("FAILED", {{"ExitCode", "0:9"}}).text, HasSubstr("exit code 0:9"));
  EXPECT_THAT(ending("FAILED").text, HasSubstr("exit code unknown"));
}

TEST(SlurmAnswers, PeopleReadWhyAJobWaits) {
  const auto text = [](const char* reason) { return waiting_text({"1", "PENDING", reason, "", "j"}); };
  EXPECT_EQ(text("Resources"), "Pending in Slurm: Resources (no node is free now)");
  EXPECT_EQ(text("ReqNodeNotAvail, UnavailableNodes:n1"),
            "Pending in Slurm: ReqNodeNotAvail, UnavailableNodes:n1 (a node that it needs is down, drained "
            "or reserved)");
  EXPECT_EQ(text("QOSMaxJobs"), "Pending in Slurm: QOSMaxJobs");
  EXPECT_EQ(text("None"), "Pending in Slurm: not looked at yet");
}

TEST(SlurmAnswers, NodesThatAreDrainedOrDoNotAnswerAreNotUp) {
  EXPECT_TRUE(any_node_is_up("drained\nmixed\n"));
  EXPECT_FALSE(any_node_is_up("drained\ndraining\nidle*\ndown\n"));
  EXPECT_FALSE(any_node_is_up(""));
}

TEST(SlurmAnswers, OnlyWhatNoNodeCanTakeIsHopeless) {
  const auto hopeless = [](const char* reason, bool no_node_is_up = false) {
    return is_hopeless({.state = "PENDING", .reason = reason, .no_node_is_up = no_node_is_up});
  };
  EXPECT_TRUE(hopeless("PartitionDown"));
  EXPECT_TRUE(hopeless("ReqNodeNotAvail(Unavailable:n1)"));
  EXPECT_FALSE(hopeless("Resources", true));
  EXPECT_FALSE(hopeless("Priority"));
  constexpr auto kEither =
      "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions";
  EXPECT_FALSE(hopeless(kEither));
  EXPECT_TRUE(hopeless(kEither, true));
}

}  // namespace
}  // namespace sagelet::jobs::slurm
