#include <gtest/gtest.h>

#include "server/auth/testing.hpp"

namespace sagelet::auth {
namespace {

http::Headers fields_of(std::initializer_list<std::pair<std::string, std::string>> fields) {
  return head_of("POST", "/b", fields).headers;
}

std::string code(const Judge& judge, const http::Headers& fields) {
  const auto judged = judge.authenticator().judge_form(fields);
  return judged ? "" : judged.error().code;
}

// "Example: Browser-Based Upload using HTTP POST (Using AWS Signature Version 4)" of the S3 reference.
const std::string kPolicyV4 =
    "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1"
    "Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8i"
    "XSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDov"
    "L3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0"
    "YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUx"
    "MjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFy"
    "dHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZP"
    "RE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGht"
    "IjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";
const std::string kSignatureV4 = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e";

http::Headers v4_example() {
  return fields_of({{"key", "user/user1/${filename}"},
                    {"X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},
                    {"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
                    {"X-Amz-Date", "20151229T000000Z"},
                    {"Policy", kPolicyV4},
                    {"X-Amz-Signature", kSignatureV4}});
}

// "Upload examples (AWS signature version 2)" of the S3 guide.
const std::string kPolicyV2 =
    "eyAiZXhwaXJhdGlvbiI6ICIyMDA3LTEyLTAxVDEyOjAwOjAwLjAwMFoiLAogICJjb25kaXRpb25zIjogWwogICAgeyJidWNr"
    "ZXQiOiAiam9obnNtaXRoIn0sCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci9lcmljLyJdLAogICAgeyJhY2wi"
    "OiAicHVibGljLXJlYWQifSwKICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL2pvaG5zbWl0aC5zMy5h"
    "bWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwKICAgIFsic3RhcnRzLXdpdGgiLCAiJENvbnRlbnQtVHlw"
    "ZSIsICJpbWFnZS8iXSwKICAgIHsieC1hbXotbWV0YS11dWlkIjogIjE0MzY1MTIzNjUxMjc0In0sCiAgICBbInN0YXJ0cy13"
    "aXRoIiwgIiR4LWFtei1tZXRhLXRhZyIsICIiXQogIF0KfQo=";
const std::string kSignatureV2 = "0RavWzkygo6QX9caELEqKi9kDbU=";

TEST(FormSignatures, AcceptsThePublishedExampleOfVersion4) {
  const Judge strict(Mode::kStrict, "20151229T000000Z");
  const auto judged = strict.authenticator().judge_form(v4_example());
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_TRUE(judged->verified);
  EXPECT_FALSE(judged->anonymous);
  EXPECT_EQ(judged->caller.account, "111111111111");
  EXPECT_EQ(judged->region, "us-east-1");
}

TEST(FormSignatures, AcceptsThePublishedExampleOfVersion2) {
  Options options;
  options.mode = Mode::kStrict;
  options.keys = {
      {"15B4D3461F177624206A", "uV3F3YluFJax1cknvbcGwgjvx4QpvB+leU8dUj2o", "111111111111", "main"}};
  const ManualClock clock(parse_amz_date("20071129T000000Z").value());
  const Authenticator strict(options, {}, clock);
  auto fields = fields_of(
      {{"AWSAccessKeyId", "15B4D3461F177624206A"}, {"Policy", kPolicyV2}, {"Signature", kSignatureV2}});
  const auto judged = strict.judge_form(fields);
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_TRUE(judged->verified);
  fields.set("policy", kPolicyV2 + "=");
  EXPECT_EQ(strict.judge_form(fields).error().code, "SignatureDoesNotMatch");
}

TEST(FormSignatures, RefusesAnotherPolicyKeyOrSignatureInStrictMode) {
  const Judge strict(Mode::kStrict, "20151229T000000Z");
  const auto with = [&](std::string_view name, std::string value) {
    auto fields = v4_example();
    fields.set(name, std::move(value));
    return code(strict, fields);
  };
  EXPECT_EQ(with("policy", kPolicyV4 + "e30="), "SignatureDoesNotMatch");
  EXPECT_EQ(with("x-amz-signature", std::string(64, '0')), "SignatureDoesNotMatch");
  EXPECT_EQ(with("x-amz-credential", "NOBODY/20151229/us-east-1/s3/aws4_request"), "InvalidAccessKeyId");
  EXPECT_EQ(with("x-amz-credential", "AKMAIN/20151229/us-east-1/s3/aws4_request"), "SignatureDoesNotMatch");
  EXPECT_EQ(with("x-amz-credential", "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/sts/aws4_request"),
            "InvalidArgument");
  EXPECT_EQ(with("x-amz-date", "20151230T000000Z"), "InvalidArgument");
  EXPECT_EQ(with("x-amz-security-token", "stolen"), "InvalidToken");
}

TEST(FormSignatures, WantEveryFieldOfTheirVersion) {
  for (const Mode mode : {Mode::kStrict, Mode::kLax}) {
    const Judge judge(mode, "20151229T000000Z");
    for (const auto* name :
         {"policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"}) {
      auto fields = v4_example();
      fields.remove(name);
      EXPECT_EQ(code(judge, fields), "InvalidArgument") << name;
    }
    EXPECT_EQ(code(judge, fields_of({{"policy", "e30="}})), "InvalidArgument");
    EXPECT_EQ(code(judge, fields_of({{"policy", "e30="}, {"AWSAccessKeyId", "x"}})), "InvalidArgument");
  }
}

TEST(FormSignatures, OnlyNeedToBeWellFormedInLaxMode) {
  const Judge lax(Mode::kLax, "20151229T000000Z");
  auto fields = v4_example();
  fields.set("x-amz-signature", std::string(64, '0'));
  EXPECT_EQ(code(lax, fields), "");
  fields.set("x-amz-signature", "0");
  EXPECT_EQ(code(lax, fields), "SignatureDoesNotMatch");
  fields = fields_of({{"AWSAccessKeyId", "123456789012"}, {"policy", "e30="}, {"signature", kSignatureV2}});
  EXPECT_EQ(lax.authenticator().judge_form(fields)->caller.account, "123456789012");
  fields.set("signature", "backwards" + kSignatureV2);
  EXPECT_EQ(code(lax, fields), "SignatureDoesNotMatch");
}

TEST(FormSignatures, AFormWithNothingOfASignatureIsAnonymous) {
  const Judge strict(Mode::kStrict, "20151229T000000Z");
  const auto judged = strict.authenticator().judge_form(fields_of({{"key", "k"}, {"acl", "public-read"}}));
  ASSERT_TRUE(judged);
  EXPECT_TRUE(judged->anonymous);
}

}  // namespace
}  // namespace sagelet::auth
