#include <gtest/gtest.h>

#include "base/digest.hpp"
#include "base/sigv4.hpp"
#include "server/auth/testing.hpp"

namespace sagelet::auth {
namespace {

constexpr std::string_view kThen = "20130524T000000Z";
constexpr std::string_view kScope = "20130524/us-east-1/s3/aws4_request";

/// AWS's published "GET Object" example.
http::Head get_object() {
  return head_of(
      "GET", "/test.txt",
      {{"Host", "examplebucket.s3.amazonaws.com"},
       {"Authorization",
        "AWS4-HMAC-SHA256 "
        "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-"
        "content-sha256;x-amz-date,Signature="
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
       {"Range", "bytes=0-9"},
       {"x-amz-content-sha256", std::string(sigv4::kEmptySha256)},
       {"x-amz-date", std::string(kThen)}});
}

/// The same for "PUT Object": a Date header besides, an escaped '$' in the key.
http::Head put_object() {
  return head_of(
      "PUT", "/test%24file.text",
      {{"Host", "examplebucket.s3.amazonaws.com"},
       {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
       {"Authorization",
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, "
        "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
       {"x-amz-date", std::string(kThen)},
       {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
       {"x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"}});
}

/// Signs what it is given; an empty `hash` signs the body's without sending it, as other services' clients
/// do.
http::Head sign(http::Head head, std::string_view service, std::string_view hash, std::string_view body = {},
                std::string_view secret = "s3cret", std::string_view date = kThen) {
  const sigv4::Scope scope{std::string(date.substr(0, 8)), "us-east-1", std::string(service)};
  head.headers.add("X-Amz-Date", std::string(date));
  if (!hash.empty()) head.headers.add("x-amz-content-sha256", std::string(hash));
  sigv4::CanonicalRequest request{.method = head.method, .path = head.path(), .query = head.query()};
  request.signed_headers = {{"host", head.headers.get("host")}, {"x-amz-date", date}};
  request.is_s3 = service == "s3";
  const std::string body_hash = to_hex(Digest::of(DigestKind::kSha256, body));
  request.payload_hash = hash.empty() ? body_hash : hash;
  const std::string signature = sigv4::signature(
      sigv4::signing_key(secret, scope), sigv4::string_to_sign(date, scope, sigv4::canonical_text(request)));
  head.headers.set("Authorization", "AWS4-HMAC-SHA256 Credential=AKMAIN/" + scope.str() +
                                        ", SignedHeaders=host;x-amz-date, Signature=" + signature);
  return head;
}

http::Head json_request() {
  return head_of("POST", "/", {{"Host", "127.0.0.1:4577"}});
}

TEST(SigV4Header, AcceptsThePublishedExamples) {
  const Judge judge(Mode::kStrict, kThen);
  const auto judged = judge(get_object());
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_TRUE(judged->verified);
  EXPECT_FALSE(judged->anonymous);
  EXPECT_EQ(judged->caller.account, "111111111111");
  EXPECT_EQ(judged->service, "s3");
  EXPECT_EQ(judged->region, "us-east-1");
  EXPECT_EQ(judged->payload_sha256, sigv4::kEmptySha256);
  EXPECT_EQ(judge.code(put_object()), "");
}

TEST(SigV4Header, KeepsWhatTheChunksOfABodyAreSignedBy) {
  const Judge judge(Mode::kStrict, kThen);
  const auto head =
      sign(head_of("PUT", "/b/k", {{"Host", "127.0.0.1"}}), "s3", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  const auto judged = judge(head);
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_EQ(judged->scope, kScope);
  EXPECT_EQ(judged->amz_date, head.headers.get("x-amz-date"));
  EXPECT_EQ(judged->signing_key.size(), 32u);
  EXPECT_TRUE(head.headers.get("authorization").ends_with(judged->seed_signature));
  EXPECT_EQ(judged->seed_signature.size(), 64u);
}

TEST(SigV4Header, RefusesEveryChangeOfASignedPart) {
  const Judge judge(Mode::kStrict, kThen);
  const auto changed = [&](auto change) {
    http::Head head = get_object();
    change(head);
    return judge.code(head);
  };
  const std::string kWrong = "SignatureDoesNotMatch";
  EXPECT_EQ(changed([](auto& head) { head.method = "PUT"; }), kWrong);
  EXPECT_EQ(changed([](auto& head) { head.target = "/test2.txt"; }), kWrong);
  EXPECT_EQ(changed([](auto& head) { head.target = "/test.txt/"; }), kWrong);
  EXPECT_EQ(changed([](auto& head) { head.target = "/x/../test.txt"; }), kWrong);
  EXPECT_EQ(changed([](auto& head) { head.target += "?acl"; }), kWrong);
  EXPECT_EQ(changed([](auto& head) { head.headers.set("host", "other.s3.amazonaws.com"); }), kWrong);
  EXPECT_EQ(changed([](auto& head) { head.headers.set("range", "bytes=0-10"); }), kWrong);
  EXPECT_EQ(changed([](auto& head) { head.headers.remove("range"); }), kWrong);
  EXPECT_EQ(changed([](auto& head) { head.headers.add("range", "bytes=5-6"); }), kWrong);
  EXPECT_EQ(changed([](auto& head) { head.headers.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD"); }),
            kWrong);
  EXPECT_EQ(changed([](auto& head) { head.headers.set("x-amz-date", "20130524T000001Z"); }), kWrong);
  const auto in_authorization = [&](std::string from, std::string to) {
    return changed([&](auto& head) {
      std::string text(head.headers.get("authorization"));
      text.replace(text.find(from), from.size(), to);
      head.headers.set("authorization", text);
    });
  };
  EXPECT_EQ(in_authorization("us-east-1", "us-east-2"), kWrong);
  EXPECT_EQ(in_authorization("bdb41", "bdb42"), kWrong);
  EXPECT_EQ(in_authorization("Signature=f0", "Signature=F0"), kWrong);
  EXPECT_EQ(in_authorization("range;", ""), kWrong);
  EXPECT_EQ(in_authorization("AKIAIOSFODNN7EXAMPLE", "AKMAIN"), kWrong) << "another key's secret";
  EXPECT_EQ(in_authorization("AKIAIOSFODNN7EXAMPLE", "AKNOBODY"), "InvalidAccessKeyId");
  EXPECT_EQ(in_authorization("host;", ""), "AccessDenied") << "the host must be signed";
}

TEST(SigV4Header, TakesDoubledSlashesThatWereEncodedAfterSigning) {
  const Judge judge(Mode::kStrict, kThen);
  const auto sent_as = [&](std::string path) {
    auto head = sign(head_of("GET", "/b//a///c", {{"Host", "127.0.0.1"}}), "s3", "UNSIGNED-PAYLOAD");
    head.target = std::move(path);
    return judge.code(head);
  };
  EXPECT_EQ(sent_as("/b//a///c"), "");
  EXPECT_EQ(sent_as("/b/%2Fa/%2F%2Fc"), "");
  EXPECT_EQ(sent_as("/b/%2Fa/%2F%2Fd"), "SignatureDoesNotMatch");
  EXPECT_EQ(sent_as("/b/a/c"), "SignatureDoesNotMatch");
}

TEST(SigV4Header, RefusesAnAmzHeaderThatWasAddedOnTheWay) {
  const Judge judge(Mode::kStrict, kThen);
  http::Head head = get_object();
  head.headers.add("X-Amz-Acl", "public-read");
  EXPECT_EQ(judge.code(head), "AccessDenied");
  head = get_object();
  head.headers.add("X-Forwarded-For", "10.0.0.1");
  EXPECT_EQ(judge.code(head), "");
}

TEST(SigV4Header, TakesHeadersTwiceAsOneWithACommaBetween) {
  http::Head head =
      head_of("GET", "/b/k", {{"Host", "127.0.0.1"}, {"x-a", "1"}, {"x-b", "z"}, {"X-A", " 2 "}});
  const sigv4::Scope scope{"20130524", "us-east-1", "s3"};
  head.headers.add("x-amz-date", std::string(kThen));
  head.headers.add("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  const std::string canonical =
      "GET\n/b/k\n\nhost:127.0.0.1\nx-a:1, "
      "2\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:20130524T000000Z\n\n"
      "host;x-a;x-amz-content-sha256;x-amz-date\nUNSIGNED-PAYLOAD";
  const std::string signature =
      sigv4::signature(sigv4::signing_key("s3cret", scope), sigv4::string_to_sign(kThen, scope, canonical));
  head.headers.add("Authorization",
                   "AWS4-HMAC-SHA256 Credential=AKMAIN/" + scope.str() +
                       ", SignedHeaders=host;x-a;x-amz-content-sha256;x-amz-date, Signature=" + signature);
  EXPECT_EQ(Judge(Mode::kStrict, kThen).code(head), "");
}

TEST(SigV4Header, TakesAPathThatWasSignedAsItWasSent) {
  const Judge judge(Mode::kStrict, kThen);
  EXPECT_EQ(judge.code(sign(head_of("GET", "/b/a+b(1)%20", {{"Host", "h"}}), "s3", "UNSIGNED-PAYLOAD")), "")
      << "signed as a strict encoder spells it";
  http::Head head = head_of("GET", "/b/a+b", {{"Host", "h"}, {"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}});
  head.headers.add("x-amz-date", std::string(kThen));
  const sigv4::Scope scope{"20130524", "us-east-1", "s3"};
  const std::string signature = sigv4::signature(
      sigv4::signing_key("s3cret", scope),
      sigv4::string_to_sign(
          kThen, scope,
          "GET\n/b/a+b\n\nhost:h\nx-amz-date:20130524T000000Z\n\nhost;x-amz-date\nUNSIGNED-PAYLOAD"));
  head.headers.add("Authorization", "AWS4-HMAC-SHA256 Credential=AKMAIN/" + scope.str() +
                                        ", SignedHeaders=host;x-amz-date, Signature=" + signature);
  EXPECT_EQ(judge.code(head), "");
}

TEST(SigV4Header, WantsAClockThatIsNearOurs) {
  Judge judge(Mode::kStrict, kThen);
  judge.clock().advance(std::chrono::minutes(15));
  EXPECT_EQ(judge.code(get_object()), "");
  judge.clock().advance(std::chrono::seconds(1));
  EXPECT_EQ(judge.code(get_object()), "RequestTimeTooSkewed");
  judge.clock().set(*parse_amz_date("20130523T234459Z"));
  EXPECT_EQ(judge.code(get_object()), "RequestTimeTooSkewed");
}

TEST(SigV4Header, WantsADateAndThatOfTheScope) {
  const Judge judge(Mode::kStrict, kThen);
  http::Head head = get_object();
  head.headers.remove("x-amz-date");
  EXPECT_EQ(judge.code(head), "AccessDenied");
  head.headers.set("date", "rubbish");
  EXPECT_EQ(judge.code(head), "AccessDenied");
  head = sign(json_request(), "s3", "UNSIGNED-PAYLOAD");
  std::string text(head.headers.get("authorization"));
  text.replace(text.find("20130524"), 8, "20130523");
  head.headers.set("authorization", text);
  EXPECT_EQ(judge.code(head), "AuthorizationHeaderMalformed");
}

TEST(SigV4Header, WantsThePayloadHashOfS3) {
  const Judge judge(Mode::kStrict, kThen);
  http::Head head = get_object();
  head.headers.remove("x-amz-content-sha256");
  EXPECT_EQ(judge.code(head), "InvalidRequest");
  head.headers.set("x-amz-content-sha256", "rubbish");
  EXPECT_EQ(judge.code(head), "InvalidArgument");
}

TEST(SigV4Header, LeavesASignatureOverAnUnsentHashToTheBody) {
  const Judge judge(Mode::kStrict, kThen);
  const auto judged = judge(sign(json_request(), "sagemaker", "", "{\"a\":1}"));
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_FALSE(judged->verified);
  EXPECT_FALSE(judged->open_canonical.empty());
  const Authenticator& authenticator = judge.authenticator();
  EXPECT_FALSE(authenticator.judge_body(*judged, "{\"a\":1}", false));
  const auto refusal = authenticator.judge_body(*judged, "{\"a\":2}", false);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->json_code, "InvalidSignatureException");
  EXPECT_TRUE(authenticator.judge_body(*judged, "{\"a\":1}", true)) << "nobody hashed a streamed body";
}

TEST(SigV4Header, ComparesTheBodyWithAHashThatWasSent) {
  const Judge judge(Mode::kStrict, kThen);
  const auto judged =
      judge(sign(json_request(), "logs", to_hex(Digest::of(DigestKind::kSha256, "body")), "body"));
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_TRUE(judged->verified);
  EXPECT_FALSE(judge.authenticator().judge_body(*judged, "body", false));
  EXPECT_TRUE(judge.authenticator().judge_body(*judged, "bodY", false));
  EXPECT_FALSE(judge.authenticator().judge_body(*judged, "", true)) << "the sink compares";
}

TEST(SigV4Header, WordsARefusalForTheProtocolOfTheService) {
  const Judge judge(Mode::kStrict, kThen);
  const auto hash = sigv4::kEmptySha256;
  EXPECT_EQ(judge.json_code(sign(json_request(), "sagemaker", hash, {}, "wrong")),
            "InvalidSignatureException");
  EXPECT_EQ(judge.json_code(sign(json_request(), "sts", hash, {}, "wrong")), "SignatureDoesNotMatch");
  EXPECT_EQ(judge.code(sign(json_request(), "s3", hash, {}, "wrong")), "SignatureDoesNotMatch");
  Judge late(Mode::kStrict, "20130525T000000Z");
  EXPECT_EQ(late.json_code(sign(json_request(), "sagemaker", hash)), "InvalidSignatureException");
}

TEST(SigV4Header, MalformedIsRefusedInBothModes) {
  for (const Mode mode : {Mode::kLax, Mode::kStrict}) {
    const Judge judge(mode, kThen);
    const auto code = [&](std::string authorization) {
      return judge.code(head_of("GET", "/", {{"Host", "h"}, {"Authorization", std::move(authorization)}}));
    };
    const std::string kMalformed = "AuthorizationHeaderMalformed";
    EXPECT_EQ(code("AWS4-HMAC-SHA256"), kMalformed);
    EXPECT_EQ(code("AWS4-HMAC-SHA256 "), kMalformed);
    EXPECT_EQ(code("AWS4-HMAC-SHA256 ,,,="), kMalformed);
    EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential"), kMalformed);
    EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential=AK, SignedHeaders=host, Signature=00"), kMalformed);
    const std::string rest = ", SignedHeaders=host, Signature=00";
    EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential=/20130524/us-east-1/s3/aws4_request" + rest), kMalformed);
    EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential=AK/2013052/us-east-1/s3/aws4_request" + rest), kMalformed);
    EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential=AK/20130524//s3/aws4_request" + rest), kMalformed);
    EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential=AK/20130524/us-east-1/s 3/aws4_request" + rest), kMalformed);
    EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential=AK/20130524/us-east-1/s3/aws3_request" + rest), kMalformed);
    const std::string good = "AWS4-HMAC-SHA256 Credential=AK/20130524/us-east-1/s3/aws4_request";
    EXPECT_EQ(code(good), kMalformed);
    EXPECT_EQ(code(good + ", SignedHeaders=, Signature=00"), kMalformed);
    EXPECT_EQ(code(good + ", SignedHeaders=host, Signature="), kMalformed);
    EXPECT_EQ(code(good + ", SignedHeaders=host, Signature=" + std::string(64, 'z')), kMalformed);
    EXPECT_EQ(code(good + rest + ", Signature=11"), kMalformed);
    EXPECT_EQ(code("Basic dGVzdDp0ZXN0"), "InvalidArgument");
    EXPECT_EQ(code("AWS4-ECDSA-P256-SHA256 Credential=AK"), "InvalidArgument");
    EXPECT_EQ(code(""), "AccessDenied");
  }
}

}  // namespace
}  // namespace sagelet::auth
