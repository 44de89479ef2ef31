#include <gtest/gtest.h>

#include "base/digest.hpp"
#include "base/sigv4.hpp"
#include "server/auth/testing.hpp"

namespace sagelet::auth {
namespace {

constexpr std::string_view kThen = "20130524T000000Z";

std::string target(std::string_view expires, std::string_view signature, std::string_view date = kThen) {
  return "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-"
         "east-1%2Fs3%"
         "2Faws4_request&X-Amz-Date=" +
         std::string(date) + "&X-Amz-Expires=" + std::string(expires) +
         "&X-Amz-SignedHeaders=host&X-Amz-Signature=" + std::string(signature);
}

/// AWS's published example: good for a day.
constexpr std::string_view kSignature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
http::Head presigned(std::string what = target("86400", kSignature)) {
  return head_of("GET", std::move(what), {{"Host", "examplebucket.s3.amazonaws.com"}});
}

TEST(PresignedV4, AcceptsThePublishedExample) {
  const auto judged = Judge(Mode::kStrict, kThen)(presigned());
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_TRUE(judged->verified);
  EXPECT_TRUE(judged->presigned);
  EXPECT_EQ(judged->caller.account, "111111111111");
  EXPECT_EQ(judged->payload_sha256, "");
}

TEST(PresignedV4, RefusesEveryChangeOfASignedPart) {
  const Judge judge(Mode::kStrict, kThen);
  const std::string kWrong = "SignatureDoesNotMatch";
  EXPECT_EQ(judge.code(presigned(target("86401", kSignature))), kWrong) << "a longer life";
  EXPECT_EQ(judge.code(presigned(target("86400", kSignature, "20130524T000001Z"))), kWrong);
  EXPECT_EQ(judge.code(presigned(target("86400", std::string(64, '0')))), kWrong);
  EXPECT_EQ(judge.code(presigned(target("86400", kSignature) + "&acl")), kWrong);
  EXPECT_EQ(judge.code(presigned("/other" + target("86400", kSignature).substr(5))), kWrong);
  http::Head head = presigned();
  head.method = "DELETE";
  EXPECT_EQ(judge.code(head), kWrong);
  head = presigned();
  head.headers.set("host", "h");
  EXPECT_EQ(judge.code(head), kWrong);
  head = presigned();
  head.headers.add("x-amz-acl", "public-read");
  EXPECT_EQ(judge.code(head), "AccessDenied");
}

TEST(PresignedV4, EndsInBothModes) {
  for (const Mode mode : {Mode::kLax, Mode::kStrict}) {
    Judge judge(mode, kThen);
    judge.clock().advance(std::chrono::seconds(86399));
    EXPECT_EQ(judge.code(presigned()), "");
    judge.clock().advance(std::chrono::seconds(1));
    const auto judged = judge(presigned());
    ASSERT_FALSE(judged);
    EXPECT_EQ(judged.error().code, "AccessDenied");
    EXPECT_EQ(judged.error().status, 403);
    EXPECT_EQ(judged.error().message, "Request has expired");
  }
}

TEST(PresignedV4, LivesBetweenASecondAndAWeek) {
  for (const Mode mode : {Mode::kLax, Mode::kStrict}) {
    const Judge judge(mode, kThen);
    for (const auto* expires : {"0", "-1", "604801", "99999999999999999"}) {
      const auto judged = judge(presigned(target(expires, kSignature)));
      ASSERT_FALSE(judged) << expires;
      EXPECT_EQ(judged.error().status, 403) << expires;
    }
    EXPECT_EQ(judge.code(presigned(target("x", kSignature))), "AuthorizationQueryParametersError");
    EXPECT_EQ(judge.code(presigned(target("999999999999999999999", kSignature))),
              "AuthorizationQueryParametersError");
  }
  EXPECT_EQ(Judge(Mode::kLax, kThen).code(presigned(target("604800", kSignature))), "");
  EXPECT_EQ(Judge(Mode::kLax, kThen).code(presigned(target("-1", kSignature, "20130524T000100Z"))),
            "AccessDenied")
      << "a life that ends before it begins, signed by a clock ahead of ours";
}

TEST(PresignedV4, IsNotGoodBeforeItsTime) {
  EXPECT_EQ(Judge(Mode::kStrict, "20130523T234500Z").code(presigned()), "");
  EXPECT_EQ(Judge(Mode::kStrict, "20130523T234459Z").code(presigned()), "AccessDenied");
}

TEST(PresignedV4, NeedsAllItsParameters) {
  const Judge judge(Mode::kLax, kThen);
  const std::string whole = target("86400", kSignature);
  for (const auto* name : {"Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"}) {
    std::string text = whole;
    text.replace(text.find("X-Amz-" + std::string(name) + "="), 6, "X-Off-");
    EXPECT_EQ(judge.code(presigned(text)), "AuthorizationQueryParametersError") << name;
  }
  std::string text = whole;
  text.replace(text.find("%2Faws4_request"), 15, "");
  EXPECT_EQ(judge.code(presigned(text)), "AuthorizationQueryParametersError");
  EXPECT_EQ(judge.code(presigned(target("86400", kSignature, "yesterday"))),
            "AuthorizationQueryParametersError");
}

TEST(PresignedV4, DoesNotGoWithAnAuthorizationHeader) {
  http::Head head = presigned();
  head.headers.add("Authorization", "AWS AK:sig");
  EXPECT_EQ(Judge(Mode::kLax, kThen).code(head), "InvalidArgument");
}

TEST(PresignedV4, OfOtherServicesSignsTheBody) {  // what `aws eks get-token` makes, for STS
  const sigv4::Scope scope{"20130524", "us-east-1", "sts"};
  const std::string query =
      "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKMAIN%"
      "2F20130524%"
      "2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders="
      "host";
  const std::string signature = sigv4::signature(
      sigv4::signing_key("s3cret", scope),
      sigv4::string_to_sign(kThen, scope,
                            sigv4::canonical_text({.method = "GET",
                                                   .path = "/",
                                                   .query = query,
                                                   .signed_headers = {{"host", "sts.amazonaws.com"}},
                                                   .payload_hash = sigv4::kEmptySha256})));
  const Judge judge(Mode::kStrict, kThen);
  const auto judged =
      judge(head_of("GET", "/?" + query + "&X-Amz-Signature=" + signature, {{"Host", "sts.amazonaws.com"}}));
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_FALSE(judge.authenticator().judge_body(*judged, "", false));
  EXPECT_TRUE(judge.authenticator().judge_body(*judged, "more", false));
}

}  // namespace
}  // namespace sagelet::auth
