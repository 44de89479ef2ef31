#include "server/gateway/gateway.hpp"

#include "base/testing.hpp"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace sagelet::gateway {
namespace {

using http::Head;
using http::Response;

/// STS with one operation that answers who called, one that breaks, one whose answer waits for a ticket.
class FakeSts : public TableService {
 public:
  FakeSts() : TableService(*model::find_service("sts")) {
    on("GetCallerIdentity", [](Context& context, Input) -> Reply<Output> {
      Output out;
      out.fields["Account"] = context.account().str();
      out.fields["Arn"] = context.identity.arn;
      return out;
    });
    on("GetSessionToken", [](Context&, Input) -> Reply<Output> { throw std::runtime_error("a bug"); });
    on("GetAccessKeyInfo", [this](Context&, Input) -> Reply<Output> {
      Output out;
      out.after = ticket;
      return out;
    });
  }
  Ticket ticket;
};

class GatewayTest : public testing::Test {
 protected:
  static admin::Admin fake_admin() {
    admin::Admin out;
    out.status = [] { return std::string("{\"version\":\"test\"}"); };
    out.report = [](std::string_view token, std::string_view) -> Status {
      if (token != "good") return Error(ErrorKind::kPermission, "wrong token");
      return {};
    };
    return out;
  }

  GatewayTest() { gateway_.add(&sts_); }

  Head head(std::string method, std::string target) {
    Head out;
    out.method = std::move(method);
    out.target = std::move(target);
    out.headers.add("Host", "127.0.0.1:4577");
    return out;
  }

  Head signed_form() {
    Head out = head("POST", "/");
    out.headers.add("Content-Type", "application/x-www-form-urlencoded");
    out.headers.add("X-Amz-Date", "20261124T120000Z");
    out.headers.add("Authorization",
                    "AWS4-HMAC-SHA256 Credential=123456789012/20261124/us-east-1/sts/aws4_request, "
                    "SignedHeaders=host;x-amz-date, Signature=" +
                        std::string(64, 'a'));
    return out;
  }

  Response send(Head head, std::string_view body = {}) {
    auto exchange = gateway_.exchange();
    if (auto early = exchange->begin(std::move(head))) return *early;
    if (!body.empty())
      if (auto early = exchange->body(body)) return *early;
    (void)exchange->waits();
    answer_.reset();
    exchange->finish([this](Response response) { answer_ = std::move(response); });
    if (answer_) return *answer_;
    kept_ = std::move(exchange);
    return Response::text(0, "pending");
  }

  static std::string text(const Response& response) {
    const auto* bytes = std::get_if<std::string>(&response.body);
    return bytes ? *bytes : std::string();
  }

  ManualClock clock_;
  RandomIds ids_;
  auth::Authenticator authenticator_{auth::Options{}, {}, clock_};
  Gateway gateway_{Options{}, authenticator_, fake_admin(), clock_, ids_};
  FakeSts sts_;
  std::optional<Response> answer_;
  std::unique_ptr<http::Exchange> kept_;  ///< until its late answer came
};

TEST_F(GatewayTest, AnswersWithTheCallersAccount) {
  const auto response = send(signed_form(), "Action=GetCallerIdentity&Version=2011-06-15");
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(text(response).find("<Account>123456789012</Account>"), std::string::npos) << text(response);
  EXPECT_NE(text(response).find("assumed-role/AmazonSageMaker-ExecutionRole-Sagelet/SageMaker"),
            std::string::npos);
}

TEST_F(GatewayTest, RefusesAStrangeHost) {
  auto request = signed_form();
  request.headers.set("Host", "evil.example");
  const auto response = send(std::move(request));
  EXPECT_EQ(response.status, 403);
  EXPECT_NE(text(response).find("allowed_hosts"), std::string::npos);
}

TEST_F(GatewayTest, RefusesAForeignOrigin) {
  auto request = signed_form();
  request.headers.add("Origin", "https://evil.example");
  EXPECT_EQ(send(std::move(request)).status, 403);
}

TEST_F(GatewayTest, WantsASignature) {
  auto request = signed_form();
  request.headers.remove("Authorization");
  const auto response = send(std::move(request), "Action=GetCallerIdentity&Version=2011-06-15");
  EXPECT_EQ(response.status, 403);
  EXPECT_NE(text(response).find("MissingAuthenticationToken"), std::string::npos) << text(response);
}

TEST_F(GatewayTest, NamesAnOperationThatItDoesNotEmulate) {
  const auto response =
      send(signed_form(), "Action=DecodeAuthorizationMessage&Version=2011-06-15&EncodedMessage=x");
  EXPECT_EQ(response.status, 501);
  EXPECT_NE(text(response).find("DecodeAuthorizationMessage"), std::string::npos);
}

TEST_F(GatewayTest, HidesABugFromTheClient) {
  const auto response = send(signed_form(), "Action=GetSessionToken&Version=2011-06-15");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(text(response).find("a bug"), std::string::npos);
}

TEST_F(GatewayTest, AnswersOnlyWhenTheTicketIsDone) {
  const auto early =
      send(signed_form(), "Action=GetAccessKeyInfo&Version=2011-06-15&AccessKeyId=AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(text(early), "pending");
  ASSERT_FALSE(answer_);
  sts_.ticket.complete({});
  ASSERT_TRUE(answer_);
  EXPECT_EQ(answer_->status, 200);
}

TEST_F(GatewayTest, TellsAFailedCommitAsAnInternalFailure) {
  sts_.ticket = Ticket::done(Error(ErrorKind::kIo, "disk on fire"));
  const auto response =
      send(signed_form(), "Action=GetAccessKeyInfo&Version=2011-06-15&AccessKeyId=AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(text(response).find("fire"), std::string::npos);
}

TEST_F(GatewayTest, ServesItsAdminPaths) {
  EXPECT_EQ(send(head("GET", "/_sagelet/health")).status, 200);
  EXPECT_NE(text(send(head("GET", "/_sagelet/status"))).find("version"), std::string::npos);
  EXPECT_EQ(send(head("GET", "/_sagelet/nothing")).status, 404);
  EXPECT_EQ(send(head("GET", "/_sagelet/reset")).status, 405);
}

TEST_F(GatewayTest, TakesReportsWithTheRightTokenOnly) {
  auto report = head("POST", "/_sagelet/reports");
  report.headers.add("Authorization", "Bearer good");
  EXPECT_EQ(send(report, "{}").status, 200);
  report.headers.set("Authorization", "Bearer bad");
  EXPECT_EQ(send(report, "{}").status, 403);
}

TEST_F(GatewayTest, SaysWhichServiceIsMissing) {
  auto request = head("POST", "/");
  request.headers.set("Host", "ec2.us-east-1.amazonaws.com");
  const auto response = send(std::move(request));
  EXPECT_EQ(response.status, 501);
  EXPECT_NE(text(response).find("ec2"), std::string::npos);
}

}  // namespace
}  // namespace sagelet::gateway
