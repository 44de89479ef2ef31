#include "base/sigv4.hpp"

#include <gtest/gtest.h>

#include "base/digest.hpp"

// The examples AWS publishes, literally: "Signature Calculations for the Authorization Header" (S3),
// "Authenticating Requests: Using Query Parameters" (S3) and the general Signature Version 4 test suite.
namespace sagelet::sigv4 {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kSuiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const Scope kS3Scope{"20130524", "us-east-1", "s3"};
const Scope kSuiteScope{"20150830", "us-east-1", "service"};

std::string sign_s3(const CanonicalRequest& request) {
  return signature(signing_key(kSecret, kS3Scope),
                   string_to_sign("20130524T000000Z", kS3Scope, canonical_text(request)));
}

std::string sign_suite(CanonicalRequest request) {
  request.signed_headers = {{"host", "example.amazonaws.com"}, {"x-amz-date", "20150830T123600Z"}};
  request.payload_hash = kEmptySha256;
  return signature(signing_key(kSuiteSecret, kSuiteScope),
                   string_to_sign("20150830T123600Z", kSuiteScope, canonical_text(request)));
}

TEST(Sigv4, SignsTheGetObjectExample) {
  EXPECT_EQ(sign_s3({.method = "GET",
                     .path = "/test.txt",
                     .signed_headers = {{"host", "examplebucket.s3.amazonaws.com"},
                                        {"range", "bytes=0-9"},
                                        {"x-amz-content-sha256", kEmptySha256},
                                        {"x-amz-date", "20130524T000000Z"}},
                     .payload_hash = kEmptySha256,
                     .is_s3 = true}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(Sigv4, SignsThePutObjectExample) {
  constexpr std::string_view kHash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
  EXPECT_EQ(to_hex(Digest::of(DigestKind::kSha256, "Welcome to Amazon S3.")), kHash);
  EXPECT_EQ(sign_s3({.method = "PUT",
                     .path = "/test%24file.text",
                     .signed_headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                                        {"host", "examplebucket.s3.amazonaws.com"},
                                        {"x-amz-content-sha256", kHash},
                                        {"x-amz-date", "20130524T000000Z"},
                                        {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                     .payload_hash = kHash,
                     .is_s3 = true}),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(Sigv4, SignsTheGetBucketLifecycleAndListObjectsExamples) {
  CanonicalRequest request{.method = "GET",
                           .path = "/",
                           .query = "lifecycle",
                           .signed_headers = {{"host", "examplebucket.s3.amazonaws.com"},
                                              {"x-amz-content-sha256", kEmptySha256},
                                              {"x-amz-date", "20130524T000000Z"}},
                           .payload_hash = kEmptySha256,
                           .is_s3 = true};
  EXPECT_EQ(sign_s3(request), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  request.query = "prefix=J&max-keys=2";
  EXPECT_EQ(sign_s3(request), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(Sigv4, SignsThePresignedExampleAndLeavesItsOwnSignatureOut) {
  EXPECT_EQ(
      sign_s3({.method = "GET",
               .path = "/test.txt",
               .query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
                        "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
                        "X-Amz-SignedHeaders=host&X-Amz-Signature=0000",
               .signed_headers = {{"host", "examplebucket.s3.amazonaws.com"}},
               .payload_hash = "UNSIGNED-PAYLOAD",
               .is_s3 = true,
               .without_signature = true}),
      "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(Sigv4, SignsTheVanillaCasesOfTheSuite) {
  EXPECT_EQ(sign_suite({.method = "GET", .path = "/"}),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_EQ(sign_suite({.method = "GET", .path = "/", .query = "Param2=value2&Param1=value1"}),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  EXPECT_EQ(sign_suite({.method = "POST", .path = "/"}),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST(Sigv4, FoldsPathsOfOtherServicesAsTheSuiteSays) {
  constexpr std::string_view kRoot = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
  for (const auto* path : {"//", "/./", "/example/..", "/example1/example2/../..", ""})
    EXPECT_EQ(sign_suite({.method = "GET", .path = path}), kRoot) << path;
  EXPECT_EQ(sign_suite({.method = "GET", .path = "/./example"}),
            sign_suite({.method = "GET", .path = "//example"}));
}

std::string path_line(std::string_view path, bool is_s3) {
  const std::string text =
      canonical_text({.method = "GET", .path = path, .payload_hash = "x", .is_s3 = is_s3});
  return text.substr(4, text.find('\n', 4) - 4);
}

TEST(Sigv4, TakesS3PathsAsTheyAre) {
  EXPECT_EQ(path_line("/b/a//b/../c/./d", true), "/b/a//b/../c/./d");
  EXPECT_EQ(path_line("/b/a%20b%2Fc%2fd", true), "/b/a%20b%2Fc%2Fd") << "an escaped slash stays escaped";
  EXPECT_EQ(path_line("/b/plus+star*", true), "/b/plus%2Bstar%2A")
      << "as a strict encoder would have sent it";
  EXPECT_EQ(path_line("/b/100%", true), "/b/100%25");
}

TEST(Sigv4, EncodesPathsOfOtherServicesTwice) {
  EXPECT_EQ(path_line("/endpoints/a%20b/", false), "/endpoints/a%2520b/");
}

std::string query_line(std::string_view query) {
  const std::string text =
      canonical_text({.method = "GET", .path = "/", .query = query, .payload_hash = "x"});
  return text.substr(6, text.find('\n', 6) - 6);
}

TEST(Sigv4, SortsAndReencodesTheQuery) {
  EXPECT_EQ(query_line("b=2&a=1&a=0&acl"), "a=0&a=1&acl=&b=2");
  EXPECT_EQ(query_line("a1=x&a=y"), "a=y&a1=x") << "names are compared before '=' is put behind them";
  EXPECT_EQ(query_line("p=a/b&q=x+y&r=%7e"), "p=a%2Fb&q=x%20y&r=~");
  EXPECT_EQ(query_line("&&a=b=c&"), "a=b%3Dc");
}

TEST(Sigv4, TrimsHeaderValuesAndFoldsBlanks) {
  const std::string text = canonical_text({.method = "GET",
                                           .path = "/",
                                           .signed_headers = {{"my-header1", "  a   b  c \t"}},
                                           .payload_hash = "x"});
  EXPECT_NE(text.find("\nmy-header1:a b c\n"), std::string::npos) << text;
}

TEST(PercentCoding, GoesBothWays) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_encode("a/b c~", true), "a/b%20c~");
  EXPECT_EQ(percent_encode("a/b"), "a%2Fb");
  EXPECT_EQ(percent_decode("%zz%4+%41%"), "%zz%4+A%");
}

}  // namespace
}  // namespace sagelet::sigv4
