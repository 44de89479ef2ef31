#include "server/services/s3/post_policy.hpp"

#include "base/digest.hpp"
#include "base/time_text.hpp"
#include "gtest/gtest.h"

namespace sagelet::s3 {
namespace {

const WallTime kNow = parse_iso8601("2026-11-30T12:00:00Z").value();

http::Headers fields_of(std::initializer_list<std::pair<std::string, std::string>> given) {
  http::Headers fields;
  fields.add("bucket", "b");
  fields.add("key", "a/b");
  for (const auto& [name, value] : given) fields.add(name, value);
  return fields;
}

/// "" when it may, else AWS's code.
std::string judged(const std::string& policy, const http::Headers& fields = fields_of({})) {
  const auto sizes = check_post_policy(to_base64(policy), fields, kNow);
  return sizes ? "" : sizes.error().code;
}

std::string policy_of(const std::string& more, const std::string& expiration = "2026-11-30T12:00:01.000Z") {
  return R"({"expiration":")" + expiration + R"(","conditions":[{"bucket":"b"},["starts-with","$key","a/"])" +
         (more.empty() ? "" : "," + more) + "]}";
}

TEST(PostPolicy, HoldsItsFieldsToItsConditions) {
  EXPECT_EQ(judged(policy_of("")), "");
  EXPECT_EQ(judged(policy_of(R"({"acl":"private"})"), fields_of({{"acl", "private"}})), "");
  EXPECT_EQ(judged(policy_of(R"({"acl":"private"})"), fields_of({{"acl", "public-read"}})), "AccessDenied");
  EXPECT_EQ(judged(policy_of(R"({"acl":"private"})")), "AccessDenied");
  EXPECT_EQ(judged(policy_of(R"(["eq","$x-amz-meta-a","1"])"), fields_of({{"x-amz-meta-a", "12"}})),
            "AccessDenied");
  EXPECT_EQ(judged(policy_of(R"(["starts-with","$x-amz-meta-a","1"])"), fields_of({{"x-amz-meta-a", "12"}})),
            "");
  EXPECT_EQ(judged(policy_of(R"(["starts-with","$x-amz-meta-a",""])")), "");
}

TEST(PostPolicy, ReadsNamesInAnyCase) {
  EXPECT_EQ(judged(policy_of(R"(["StArTs-WiTh","$X-Amz-Meta-A",""])"), fields_of({{"x-AMZ-meta-a", "x"}})),
            "");
  EXPECT_EQ(judged(R"({"EXPIRATION":"2026-11-30T12:00:01Z","conditions":[]})"), "InvalidPolicyDocument");
  EXPECT_EQ(judged(R"({"expiration":"2026-11-30T12:00:01Z","CONDITIONS":[]})"), "InvalidPolicyDocument");
}

TEST(PostPolicy, CoversEveryFieldButThoseOfItsSignatureAndTheIgnored) {
  EXPECT_EQ(judged(policy_of(""), fields_of({{"x-amz-meta-a", "1"}})), "AccessDenied");
  EXPECT_EQ(judged(policy_of(""), fields_of({{"x-amz-credential", "1"}})), "AccessDenied");
  EXPECT_EQ(judged(policy_of(""), fields_of({{"x-ignore-a", "1"},
                                             {"Policy", "1"},
                                             {"signature", "1"},
                                             {"AWSAccessKeyId", "1"},
                                             {"x-amz-signature", "1"},
                                             {"x-amz-checksum-crc32", "1"}})),
            "");
  EXPECT_EQ(judged(R"({"expiration":"2026-11-30T12:00:01Z","conditions":[{"key":"a/b"}]})"), "AccessDenied");
}

TEST(PostPolicy, EndsAtItsExpiration) {
  EXPECT_EQ(judged(policy_of("", "2026-11-30T12:00:00Z")), "AccessDenied");
  EXPECT_EQ(judged(policy_of("", "2026-11-30 13:00:00.123+00:00")), "InvalidPolicyDocument");
  EXPECT_EQ(judged(policy_of("", "soon")), "InvalidPolicyDocument");
  EXPECT_EQ(judged(R"({"conditions":[]})"), "InvalidPolicyDocument");
}

TEST(PostPolicy, MustBeReadable) {
  for (const auto* condition :
       {"{}", R"({"acl":1})", R"({"acl":"a","key":"b"})", "[]", R"(["eq","$key"])", R"(["eq","key","a/b"])",
        R"(["ends-with","$key","b"])", R"(["content-length-range",0])", R"(["content-length-range",-1,0])",
        R"(["content-length-range",0,"x"])", "1"})
    EXPECT_EQ(judged(policy_of(condition)), "InvalidPolicyDocument") << condition;
  EXPECT_EQ(judged("[]"), "InvalidPolicyDocument");
  EXPECT_EQ(judged("{"), "InvalidPolicyDocument");
  EXPECT_EQ(check_post_policy("no base64", fields_of({}), kNow).error().code, "InvalidPolicyDocument");
}

TEST(PostPolicy, SaysHowLargeTheFileMayBe) {
  const auto sizes = check_post_policy(
      to_base64(policy_of(R"(["content-length-range",1,"100"],["content-length-range",0,50])")),
      fields_of({}), kNow);
  ASSERT_TRUE(sizes);
  EXPECT_EQ(sizes->least, 1u);
  EXPECT_EQ(sizes->most, 50u);
}

TEST(PostPolicy, KnowsAwsEscapesAndListsOfContentTypes) {
  EXPECT_EQ(judged(policy_of(R"(["eq","$x-amz-meta-a","\$1"])"), fields_of({{"x-amz-meta-a", "$1"}})), "");
  EXPECT_EQ(judged(policy_of(R"(["eq","$x-amz-meta-a","\\$1"])"), fields_of({{"x-amz-meta-a", "\\$1"}})), "");
  const auto images = policy_of(R"(["starts-with","$Content-Type","image/"])");
  EXPECT_EQ(judged(images, fields_of({{"Content-Type", "image/png, image/gif"}})), "");
  EXPECT_EQ(judged(images, fields_of({{"Content-Type", "image/png, text/html"}})), "AccessDenied");
}

}  // namespace
}  // namespace sagelet::s3
