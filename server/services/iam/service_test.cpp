#include "server/services/iam/service.hpp"

#include "server/services/iam/roles.hpp"
#include "server/services/testing.hpp"

namespace sagelet::iam {
namespace {

class Iam : public ::testing::Test {
 protected:
  Document create(const std::string& name) {
    return desk.get(*iam, "CreateRole", {{"RoleName", name}, {"AssumeRolePolicyDocument", "{\"a\": 1}"}});
  }
  testing::Desk desk;
  std::unique_ptr<Service> iam = make_iam(desk.ledger());
};

TEST_F(Iam, AnyRoleResolves) {
  const auto role = desk.get(*iam, "GetRole", {{"RoleName", "MyRole"}})["Role"];
  EXPECT_EQ(role["Arn"], "arn:aws:iam::000000000000:role/MyRole");
  EXPECT_EQ(role["RoleId"], desk.get(*iam, "GetRole", {{"RoleName", "MyRole"}})["Role"]["RoleId"]);
  const std::string trust = role["AssumeRolePolicyDocument"];
  EXPECT_TRUE(trust.starts_with("%7B%22Version%22%3A")) << trust;
  EXPECT_NE(trust.find("sagemaker.amazonaws.com"), std::string::npos);
}

TEST_F(Iam, TheDefaultExecutionRoleHasTheServicePath) {
  const auto role =
      desk.get(*iam, "GetRole", {{"RoleName", "AmazonSageMaker-ExecutionRole-Sagelet"}})["Role"];
  EXPECT_EQ(role["Arn"], "arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole-Sagelet");
}

TEST_F(Iam, ACreatedRoleIsKept) {
  create("Mine");
  const auto role = desk.get(*iam, "GetRole", {{"RoleName", "Mine"}})["Role"];
  EXPECT_EQ(role["AssumeRolePolicyDocument"], "%7B%22a%22%3A%201%7D");
  EXPECT_EQ(desk.get(*iam, "ListRoles")["Roles"].size(), 1u);
}

TEST_F(Iam, ARoleIsCreatedOnce) {
  create("Mine");
  const auto error =
      desk.refusal(*iam, "CreateRole", {{"RoleName", "Mine"}, {"AssumeRolePolicyDocument", "{}"}});
  EXPECT_EQ(error.code, "EntityAlreadyExists");
  EXPECT_EQ(error.message, "Role with name Mine already exists.");
}

TEST_F(Iam, PoliciesOfARoleCanBePutAndRead) {
  desk.get(*iam, "PutRolePolicy", {{"RoleName", "R"}, {"PolicyName", "P"}, {"PolicyDocument", "{}"}});
  desk.get(*iam, "AttachRolePolicy",
           {{"RoleName", "R"}, {"PolicyArn", "arn:aws:iam::aws:policy/AmazonS3FullAccess"}});
  EXPECT_EQ(desk.get(*iam, "GetRolePolicy", {{"RoleName", "R"}, {"PolicyName", "P"}})["PolicyDocument"],
            "%7B%7D");
  EXPECT_EQ(desk.get(*iam, "ListRolePolicies", {{"RoleName", "R"}})["PolicyNames"], Document::array({"P"}));
  const auto attached = desk.get(*iam, "ListAttachedRolePolicies", {{"RoleName", "R"}})["AttachedPolicies"];
  ASSERT_EQ(attached.size(), 2u);
  EXPECT_EQ(attached[0]["PolicyName"], "AmazonS3FullAccess");
  EXPECT_EQ(desk.refusal(*iam, "GetRolePolicy", {{"RoleName", "R"}, {"PolicyName", "Q"}}).code,
            "NoSuchEntity");
}

TEST_F(Iam, ADeletedRoleIsAsAnyOther) {
  create("Mine");
  desk.get(*iam, "DeleteRole", {{"RoleName", "Mine"}});
  EXPECT_EQ(desk.get(*iam, "ListRoles")["Roles"].size(), 0u);
}

TEST_F(Iam, EveryActionIsAllowedAPageAtATime) {
  Document params{{"PolicySourceArn", "arn:aws:iam::000000000000:role/R"},
                  {"ActionNames", {"s3:GetObject", "s3:PutObject", "sagemaker:CreateTrainingJob"}},
                  {"MaxItems", 2}};
  const auto first = desk.get(*iam, "SimulatePrincipalPolicy", params);
  EXPECT_EQ(first["EvaluationResults"].size(), 2u);
  EXPECT_EQ(first["EvaluationResults"][0]["EvalDecision"], "allowed");
  EXPECT_EQ(first["EvaluationResults"][0]["EvalResourceName"], "*");
  EXPECT_TRUE(first["IsTruncated"].get<bool>());
  params["Marker"] = first["Marker"];
  const auto second = desk.get(*iam, "SimulatePrincipalPolicy", params);
  EXPECT_EQ(second["EvaluationResults"][0]["EvalActionName"], "sagemaker:CreateTrainingJob");
  EXPECT_FALSE(second["IsTruncated"].get<bool>());
  params["Marker"] = "nonsense";
  EXPECT_EQ(desk.refusal(*iam, "SimulatePrincipalPolicy", params).code, "ValidationError");
}

}  // namespace
}  // namespace sagelet::iam
