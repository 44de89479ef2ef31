#include "server/services/sts/service.hpp"

#include "server/services/role_name.hpp"
#include "server/services/testing.hpp"

namespace sagelet::sts {
namespace {

class Sts : public ::testing::Test {
 protected:
  testing::Desk desk;
  testing::MemoryCredentials store;
  std::unique_ptr<Service> sts = make_sts(store);
};

TEST_F(Sts, SaysWhoCalls) {
  const auto answer = desk.get(*sts, "GetCallerIdentity");
  EXPECT_EQ(answer["Account"], "000000000000");
  EXPECT_EQ(answer["Arn"], desk.context().identity.arn);
  EXPECT_EQ(answer["UserId"], "AROAEXAMPLE:SageMaker");
}

TEST_F(Sts, AssumeRoleKeepsTheCredentialsItGives) {
  const auto answer = desk.get(*sts, "AssumeRole",
                               {{"RoleArn", "arn:aws:iam::111111111111:role/service-role/Deployer"},
                                {"RoleSessionName", "me"},
                                {"DurationSeconds", 900}});
  EXPECT_EQ(answer["Credentials"]["AccessKeyId"], "ASIA1");
  EXPECT_EQ(answer["Credentials"]["Expiration"], to_epoch_seconds(desk.clock.now()) + 900);
  EXPECT_EQ(answer["AssumedRoleUser"]["Arn"], "arn:aws:sts::111111111111:assumed-role/Deployer/me");
  EXPECT_EQ(store.kept.at("ASIA1").account, "111111111111");
  EXPECT_EQ(store.kept.at("ASIA1").session_name, "me");
}

TEST_F(Sts, WhatAJobIsGivenIsTheJobs) {
  auto context = desk.context();
  context.identity.job_id = "job-1";
  const auto handler = sts->handler(*sts->model().operation("GetSessionToken"));
  ASSERT_TRUE(handler->call(context, Input{}));
  EXPECT_EQ(store.kept.at("ASIA1").job_id, "job-1");
}

TEST_F(Sts, AssumeRoleRefusesWhatIsNoRole) {
  const auto error =
      desk.refusal(*sts, "AssumeRole",
                   {{"RoleArn", "arn:aws:iam::111111111111:user/somebody"}, {"RoleSessionName", "me"}});
  EXPECT_EQ(error.code, "ValidationError");
}

TEST_F(Sts, GetSessionTokenStaysWithTheCallersRole) {
  desk.get(*sts, "GetSessionToken");
  EXPECT_EQ(store.kept.at("ASIA1").role_arn,
            "arn:aws:iam::000000000000:role/AmazonSageMaker-ExecutionRole-Sagelet");
}

TEST(RoleName, IsTakenFromTheArnOfItsSessionAndOtherArnsStay) {
  EXPECT_EQ(role_behind(assumed_role_arn("111111111111", "R", "me")), "arn:aws:iam::111111111111:role/R");
  EXPECT_EQ(role_behind("arn:aws:iam::111111111111:user/me"), "arn:aws:iam::111111111111:user/me");
}

TEST_F(Sts, KnowsTheAccountOfAKey) {
  desk.get(*sts, "AssumeRole", {{"RoleArn", "arn:aws:iam::111111111111:role/R"}, {"RoleSessionName", "me"}});
  EXPECT_EQ(desk.get(*sts, "GetAccessKeyInfo", {{"AccessKeyId", "ASIA1"}})["Account"], "111111111111");
  EXPECT_EQ(desk.get(*sts, "GetAccessKeyInfo", {{"AccessKeyId", "222222222222"}})["Account"], "222222222222");
}

TEST_F(Sts, HasNoHandlerForWhatItDoesNotDo) {
  EXPECT_EQ(sts->handler(*sts->model().operation("AssumeRoleWithSAML")), nullptr);
}

}  // namespace
}  // namespace sagelet::sts
