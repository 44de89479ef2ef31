#include <gtest/gtest.h>

#include "server/auth/testing.hpp"

namespace sagelet::auth {
namespace {

http::Head signed_by(std::string key, std::string token = {}) {
  http::Head head = head_of("POST", "/",
                            {{"Host", "127.0.0.1:4577"},
                             {"Authorization", "AWS4-HMAC-SHA256 Credential=" + key +
                                                   "/20120101/eu-west-1/sagemaker/aws4_request, "
                                                   "SignedHeaders=host, Signature=" +
                                                   std::string(64, 'a')}});
  if (!token.empty()) head.headers.add("X-Amz-Security-Token", token);
  return head;
}

std::optional<Caller> job_session(std::string_view key) {
  if (key != "ASIAJOB") return std::nullopt;
  Caller caller;
  caller.account = "333333333333";
  caller.access_key = key;
  caller.secret_key = "secret";
  caller.session_token = "token";
  caller.job_id = "job-1";
  return caller;
}

TEST(Lax, TakesAnyKeyAndAnyDate) {
  const auto judged = Judge(Mode::kLax, "20260101T000000Z")(signed_by("test"));
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_FALSE(judged->anonymous);
  EXPECT_FALSE(judged->verified);
  EXPECT_EQ(judged->caller.account, "000000000000");
  EXPECT_EQ(judged->caller.access_key, "test");
  EXPECT_EQ(judged->region, "eu-west-1");
  EXPECT_EQ(judged->service, "sagemaker");
}

TEST(Lax, NamesTheAccountByTwelveDigits) {
  const Judge judge(Mode::kLax, "20260101T000000Z");
  EXPECT_EQ(judge(signed_by("123456789012"))->caller.account, "123456789012");
  EXPECT_EQ(judge(signed_by("12345678901"))->caller.account, "000000000000");
  EXPECT_EQ(judge(signed_by("12345678901a"))->caller.account, "000000000000");
}

TEST(Lax, KnowsKeysOfTheConfigAndOfSessions) {
  const Judge judge(Mode::kLax, "20260101T000000Z", job_session);
  EXPECT_EQ(judge(signed_by("AKMAIN"))->caller.account, "222222222222");
  EXPECT_EQ(judge(signed_by("ASIAJOB"))->caller.job_id, "job-1");
  EXPECT_EQ(judge(signed_by("ASIAOTHER"))->caller.account, "000000000000");
}

TEST(Lax, LeavesTheBodyAlone) {
  const Judge judge(Mode::kLax, "20260101T000000Z");
  EXPECT_FALSE(judge.authenticator().judge_body(*judge(signed_by("test")), "any", false));
}

TEST(Strict, WantsTheSessionsToken) {
  const Judge judge(Mode::kStrict, "20120101T000000Z", job_session);
  EXPECT_EQ(judge.code(signed_by("ASIAJOB")), "InvalidToken");
  EXPECT_EQ(judge.code(signed_by("ASIAJOB", "other")), "InvalidToken");
  EXPECT_EQ(judge.json_code(signed_by("ASIAJOB", "other")), "UnrecognizedClientException");
  EXPECT_EQ(judge.code(signed_by("AKMAIN", "token")), "InvalidToken") << "this key has none";
  EXPECT_EQ(judge.code(signed_by("ASIAOTHER")), "InvalidAccessKeyId");
  EXPECT_EQ(judge.code(signed_by("123456789012")), "InvalidAccessKeyId");
}

TEST(Strict, RefusesASessionThatIsOver) {
  const auto ending = [](std::string_view key) {
    auto caller = job_session(key);
    if (caller) caller->expires = *parse_amz_date("20120101T010000Z");
    return caller;
  };
  EXPECT_EQ(Judge(Mode::kStrict, "20120101T005959Z", ending).json_code(signed_by("ASIAJOB", "token")),
            "IncompleteSignatureException")
      << "still good; what is refused is a request without a date";
  EXPECT_EQ(Judge(Mode::kStrict, "20120101T010000Z", ending).code(signed_by("ASIAJOB", "token")),
            "ExpiredToken");
  EXPECT_EQ(Judge(Mode::kStrict, "20120101T010000Z", ending).json_code(signed_by("ASIAJOB", "token")),
            "ExpiredTokenException");
  EXPECT_EQ(Judge(Mode::kLax, "20120101T010000Z", ending).code(signed_by("ASIAJOB", "token")), "");
}

TEST(Anonymous, IsWhoeverSendsNoSignature) {
  for (const Mode mode : {Mode::kLax, Mode::kStrict}) {
    const auto judged = Judge(mode, "20260101T000000Z")(
        head_of("GET", "/b/k?versionId=1&X-Amz-Date=x&Signature=y", {{"Host", "h"}}));
    ASSERT_TRUE(judged);
    EXPECT_TRUE(judged->anonymous);
    EXPECT_FALSE(judged->verified);
    EXPECT_EQ(judged->caller.account, "000000000000");
    EXPECT_EQ(judged->service, "");
  }
}

TEST(Payload, IsReadFromItsHeaderWhoeverCalls) {
  const Judge judge(Mode::kLax, "20260101T000000Z");
  const auto form = [&](std::string sha256) {
    http::Head head = signed_by("test");
    head.headers.add("x-amz-content-sha256", std::move(sha256));
    return judge(head)->payload;
  };
  EXPECT_EQ(form("UNSIGNED-PAYLOAD"), PayloadForm::kPlain);
  EXPECT_EQ(form("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), PayloadForm::kChunkedSigned);
  EXPECT_EQ(form("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"), PayloadForm::kChunkedSignedTrailer);
  EXPECT_EQ(form("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), PayloadForm::kChunkedUnsignedTrailer);
  EXPECT_EQ(judge(head_of("PUT", "/b/k", {{"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}}))
                ->payload,
            PayloadForm::kChunkedUnsignedTrailer);
  const std::string presigned =
      "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&"
      "X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
  EXPECT_EQ(judge(head_of("PUT", presigned, {{"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}}))
                ->payload,
            PayloadForm::kChunkedUnsignedTrailer);
}

TEST(Payload, HashIsKeptInLowerCase) {
  http::Head head = signed_by("test");
  head.headers.add("x-amz-content-sha256", std::string(64, 'A'));
  EXPECT_EQ(Judge(Mode::kLax, "20260101T000000Z")(head)->payload_sha256, std::string(64, 'a'));
}

}  // namespace
}  // namespace sagelet::auth
