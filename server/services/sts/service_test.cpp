#include "server/services/sts/service.hpp"

#include <map>

#include "server/services/testing.hpp"

namespace sagelet::sts {
namespace {

/// Keeps credentials in memory.
class FakeStore final : public CredentialStore {
 public:
  SessionCredentials make(const AccountId& account, std::string role_arn, std::string session,
                          std::string job_id, WallTime expires) override {
    return {.access_key = "ASIA1",
            .secret_key = "secret",
            .session_token = "token",
            .account = account.str(),
            .role_arn = std::move(role_arn),
            .session_name = std::move(session),
            .job_id = std::move(job_id),
            .expires = expires};
  }
  Ticket keep(const SessionCredentials& credentials) override {
    kept[credentials.access_key] = credentials;
    return Ticket::done({});
  }
  Result<SessionCredentials> find(std::string_view key) override {
    const auto found = kept.find(std::string(key));
    if (found == kept.end()) return Error(ErrorKind::kNotFound, "none");
    return found->second;
  }
  std::map<std::string, SessionCredentials> kept;
};

class Sts : public ::testing::Test {
 protected:
  testing::Desk desk;
  FakeStore store;
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
