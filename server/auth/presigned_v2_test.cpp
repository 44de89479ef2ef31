#include <gtest/gtest.h>

#include "server/auth/testing.hpp"

namespace sagelet::auth {
namespace {

http::Head with_header(std::string method, std::string target, std::string host, std::string date,
                       std::string signature) {
  return head_of(std::move(method), std::move(target),
                 {{"Host", std::move(host)},
                  {"Date", std::move(date)},
                  {"Authorization", "AWS AKIAIOSFODNN7EXAMPLE:" + std::move(signature)}});
}

// "Signing and Authenticating REST Requests" of the S3 guide; all of 27 March 2007.
TEST(V2Header, AcceptsThePublishedExamples) {
  const auto code = [](std::string_view at, http::Head head) { return Judge(Mode::kStrict, at).code(head); };
  EXPECT_EQ(code("20070327T193642Z",
                 with_header("GET", "/photos/puppy.jpg", "johnsmith.s3.amazonaws.com",
                             "Tue, 27 Mar 2007 19:36:42 +0000", "bWq2s1WEIj+Ydj0vQ697zp+IXMU=")),
            "");
  EXPECT_EQ(code("20070327T193642Z",
                 with_header("GET", "/photos/puppy.jpg", "awsexamplebucket1.us-west-1.s3.amazonaws.com",
                             "Tue, 27 Mar 2007 19:36:42 +0000", "wrong")),
            "SignatureDoesNotMatch");
  http::Head put = with_header("PUT", "/photos/puppy.jpg", "johnsmith.s3.amazonaws.com",
                               "Tue, 27 Mar 2007 21:15:45 +0000", "MyyxeRY7whkBe+bq8fHCL/2kKUg=");
  put.headers.add("Content-Type", "image/jpeg");
  EXPECT_EQ(code("20070327T211545Z", put), "");
  EXPECT_EQ(code("20070327T194241Z",
                 with_header("GET", "/?prefix=photos&max-keys=50&marker=puppy", "johnsmith.s3.amazonaws.com",
                             "Tue, 27 Mar 2007 19:42:41 +0000", "htDYFYduRNen8P9ZfE/s9SuKy0U=")),
            "");
  EXPECT_EQ(code("20070327T194446Z",
                 with_header("GET", "/?acl", "johnsmith.s3.amazonaws.com", "Tue, 27 Mar 2007 19:44:46 +0000",
                             "c2WLPFtWHVgbEmeEG93a4cG37dM=")),
            "");
  EXPECT_EQ(
      code("20070328T012959Z", with_header("GET", "/", "s3.amazonaws.com", "Wed, 28 Mar 2007 01:29:59 +0000",
                                           "qGdzdERIC03wnaRNKh6OqZehG9s=")),
      "");
  EXPECT_EQ(code("20070328T014949Z",
                 with_header("GET", "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re", "s3.amazonaws.com",
                             "Wed, 28 Mar 2007 01:49:49 +0000", "DNEZGsoieTZ92F3bUfSPQcbGmlM=")),
            "");
}

TEST(V2Header, JoinsAmzHeadersOfOneName) {  // the published "Upload" example, path style
  http::Head head = head_of("PUT", "/static.johnsmith.net/db-backup.dat.gz",
                            {{"Host", "s3.amazonaws.com"},
                             {"Date", "Tue, 27 Mar 2007 21:06:08 +0000"},
                             {"x-amz-acl", "public-read"},
                             {"content-type", "application/x-download"},
                             {"Content-MD5", "4gJE4saaMU4BqNR0kLY+lw=="},
                             {"X-Amz-Meta-ReviewedBy", "joe@johnsmith.net"},
                             {"X-Amz-Meta-ReviewedBy", "jane@johnsmith.net"},
                             {"X-Amz-Meta-FileChecksum", "0x02661779"},
                             {"X-Amz-Meta-ChecksumAlgorithm", "crc32"},
                             {"Authorization", "AWS AKIAIOSFODNN7EXAMPLE:ilyl83RwaSoYIEdixDQcA4OnAnc="}});
  const Judge judge(Mode::kStrict, "20070327T210608Z");
  EXPECT_EQ(judge.code(head), "");
  head.headers.set("x-amz-acl", "private");
  EXPECT_EQ(judge.code(head), "SignatureDoesNotMatch");
}

TEST(V2Header, WantsAClockThatIsNearOurs) {
  const http::Head head = with_header("GET", "/photos/puppy.jpg", "johnsmith.s3.amazonaws.com",
                                      "Tue, 27 Mar 2007 19:36:42 +0000", "bWq2s1WEIj+Ydj0vQ697zp+IXMU=");
  EXPECT_EQ(Judge(Mode::kStrict, "20070327T195143Z").code(head), "RequestTimeTooSkewed");
  EXPECT_EQ(Judge(Mode::kLax, "20260327T195143Z").code(head), "");
  http::Head dateless = head;
  dateless.headers.remove("date");
  EXPECT_EQ(Judge(Mode::kStrict, "20070327T193642Z").code(dateless), "AccessDenied");
}

TEST(V2Header, ADateBeforeTheEpochIsNone) {
  const http::Head head = with_header("GET", "/photos/puppy.jpg", "johnsmith.s3.amazonaws.com",
                                      "Tue, 27 Mar 1950 19:36:42 +0000", "bWq2s1WEIj+Ydj0vQ697zp+IXMU=");
  EXPECT_EQ(Judge(Mode::kStrict, "20070327T193642Z").code(head), "AccessDenied");
}

TEST(V2Header, ABucketsPathMayBeSignedWithASlashAtItsEnd) {  // as boto3 does
  const auto code = [](std::string target, std::string signature) {
    return Judge(Mode::kStrict, "20070327T193642Z")
        .code(with_header("PUT", std::move(target), "127.0.0.1:4577", "Tue, 27 Mar 2007 19:36:42 +0000",
                          std::move(signature)));
  };
  EXPECT_EQ(code("/bucket", "JEKYNZuPQ6b6g3+FZX7GMNDH2xc="), "");
  EXPECT_EQ(code("/bucket", "QYFfNa6OP+VqMopuWM0FnMVz/gI="), "");
  EXPECT_EQ(code("/bucket/", "QYFfNa6OP+VqMopuWM0FnMVz/gI="), "SignatureDoesNotMatch");
}

TEST(V2Header, MalformedIsRefusedInBothModes) {
  for (const Mode mode : {Mode::kLax, Mode::kStrict})
    for (const auto* text : {"AWS ", "AWS x", "AWS :", "AWS :x", "AWS x:", "AWS"})
      EXPECT_NE(
          Judge(mode, "20070327T193642Z").code(head_of("GET", "/", {{"Host", "h"}, {"Authorization", text}})),
          "")
          << text;
}

// Made by botocore 1.44 with its clock at 2026-01-01, good for an hour: key "k ü+%/a//b", keys AKMAIN /
// s3cret.
constexpr std::string_view kMade = "20260101T000000Z";
constexpr std::string_view kObject =
    "/k%20%C3%BC%2B%25/a//b?response-content-disposition=attachment%3B%20filename%3D%22x%20y%22&versionId=v1";

http::Head presigned(std::string_view bucket_path, std::string_view object, std::string_view rest,
                     std::string host) {
  std::string target(bucket_path);
  target.append(object).append("&AWSAccessKeyId=AKMAIN&").append(rest).append("&Expires=1767229200");
  return head_of("GET", std::move(target), {{"Host", std::move(host)}});
}

TEST(PresignedV2, AcceptsWhatBoto3Makes) {
  const Judge judge(Mode::kStrict, kMade);
  const auto judged =
      judge(presigned("/my.bucket", kObject, "Signature=T8t24HQxGXQwjbYfghWgbC%2BvXEQ%3D", "127.0.0.1:4577"));
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_TRUE(judged->presigned);
  EXPECT_TRUE(judged->verified);
  EXPECT_EQ(judged->caller.account, "222222222222");
  for (const auto* host :
       {"bucket.localhost:4577", "bucket.s3.us-east-1.amazonaws.com", "bucket.s3.amazonaws.com"})
    EXPECT_EQ(judge.code(presigned("", kObject, "Signature=czfwbthniCSf3gI7S%2Fvcgtph7H4%3D", host)), "")
        << host;
}

TEST(PresignedV2, ReadsHeadersOfTheSignerInTheQuery) {
  const std::string target =
      "/bucket/"
      "k?AWSAccessKeyId=AKMAIN&Signature=TGDAcEwCSc5qLgb7i8rzOKlMefU%3D&content-type=text%2Fx&x-amz-meta-a=b%"
      "20c&"
      "Expires=1767229200";
  const Judge judge(Mode::kStrict, kMade);
  EXPECT_EQ(judge.code(head_of("PUT", target, {{"Host", "127.0.0.1:4577"}})), "");
  EXPECT_EQ(judge.code(head_of("PUT", target, {{"Host", "127.0.0.1:4577"}, {"Content-Type", "text/x"}})), "");
  EXPECT_EQ(judge.code(head_of("PUT", target, {{"Host", "127.0.0.1:4577"}, {"Content-Type", "text/y"}})),
            "SignatureDoesNotMatch");
  EXPECT_EQ(judge.code(head_of("PUT", target, {{"Host", "127.0.0.1:4577"}, {"x-amz-acl", "public-read"}})),
            "SignatureDoesNotMatch");
}

TEST(PresignedV2, CarriesASessionToken) {
  const auto sessions = [](std::string_view key) -> std::optional<Caller> {
    if (key != "ASIASESSION") return std::nullopt;
    return Caller{.account = "333333333333", .secret_key = "s3cret", .session_token = "tok/en+1="};
  };
  const Judge judge(Mode::kStrict, kMade, sessions);
  const auto head = [&](std::string_view token) {
    std::string target("/my.bucket");
    target.append(kObject).append("&AWSAccessKeyId=ASIASESSION&Signature=hsbJEPxlfP5SqONSDLar2VcLsfw%3D&");
    target.append("x-amz-security-token=").append(token).append("&Expires=1767229200");
    return head_of("GET", std::move(target), {{"Host", "127.0.0.1:4577"}});
  };
  EXPECT_EQ(judge.code(head("tok%2Fen%2B1%3D")), "");
  EXPECT_EQ(judge.code(head("other")), "InvalidToken");
}

TEST(PresignedV2, RefusesEveryChangeOfASignedPart) {
  const Judge judge(Mode::kStrict, kMade);
  const auto code = [&](std::string from, std::string to, std::string method = "GET") {
    http::Head head =
        presigned("/my.bucket", kObject, "Signature=T8t24HQxGXQwjbYfghWgbC%2BvXEQ%3D", "127.0.0.1:4577");
    head.method = method;
    head.target.replace(head.target.find(from), from.size(), to);
    return judge.code(head);
  };
  const std::string kWrong = "SignatureDoesNotMatch";
  EXPECT_EQ(code("k%20", "k%20"), "");
  EXPECT_EQ(code("k%20", "l%20"), kWrong);
  EXPECT_EQ(code("versionId=v1", "versionId=v2"), kWrong);
  EXPECT_EQ(code("attachment", "inline"), kWrong);
  EXPECT_EQ(code("1767229200", "1767229201"), kWrong);
  EXPECT_EQ(code("T8t24", "T8t25"), kWrong);
  EXPECT_EQ(code("&versionId", "&acl&versionId"), kWrong);
  EXPECT_EQ(code("k%20", "k%20", "DELETE"), kWrong);
  EXPECT_EQ(code("AKMAIN", "AKNOBODY"), "InvalidAccessKeyId");
}

TEST(PresignedV2, EndsInBothModes) {
  for (const Mode mode : {Mode::kLax, Mode::kStrict}) {
    Judge judge(mode, kMade);
    const http::Head head =
        presigned("/my.bucket", kObject, "Signature=T8t24HQxGXQwjbYfghWgbC%2BvXEQ%3D", "127.0.0.1:4577");
    judge.clock().advance(std::chrono::seconds(3599));
    EXPECT_EQ(judge.code(head), "");
    judge.clock().advance(std::chrono::seconds(1));
    const auto judged = judge(head);
    ASSERT_FALSE(judged);
    EXPECT_EQ(judged.error().code, "AccessDenied");
    EXPECT_EQ(judged.error().status, 403);
    for (const auto* query :
         {"?AWSAccessKeyId=a&Signature=b", "?AWSAccessKeyId=a&Signature=b&Expires=soon",
          "?AWSAccessKeyId=a&Expires=9999999999", "?AWSAccessKeyId=&Signature=b&Expires=9999999999"})
      EXPECT_EQ(judge.code(head_of("GET", std::string("/b/k") + query, {{"Host", "h"}})), "AccessDenied")
          << query;
  }
}

}  // namespace
}  // namespace sagelet::auth
