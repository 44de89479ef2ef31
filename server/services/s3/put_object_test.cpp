#include "server/services/s3/fixture_for_tests.hpp"

namespace sagelet::s3 {
namespace {

class PutObjectTest : public S3Test {};

INSTANTIATE_TEST_SUITE_P(EachDurability, PutObjectTest,
                         testing::Values(storage::Durability::kPower, storage::Durability::kProcess));

// ---- put and get ----

TEST_P(PutObjectTest, GivesBackWhatWasPut) {
  const auto answer = put("a/b c", "hello",
                          {{"ContentType", "text/plain"},
                           {"ContentEncoding", "gzip, aws-chunked"},
                           {"Metadata", {{"Colour", "blue"}}},
                           {"Tagging", "x=1&y=two%20words"},
                           {"StorageClass", "STANDARD_IA"}});
  EXPECT_EQ(answer.fields.at("ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  const auto got = get("a/b c");
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.fields.at("ContentType"), "text/plain");
  EXPECT_EQ(got.fields.at("ContentEncoding"), "gzip");
  EXPECT_EQ(got.fields.at("Metadata").at("colour"), "blue");
  EXPECT_EQ(got.fields.at("TagCount"), 2);
  EXPECT_EQ(got.fields.at("StorageClass"), "STANDARD_IA");
  EXPECT_EQ(got.fields.at("LastModified"), 1'700'000'000.5);
  const auto heads = call("HeadObject", {{"Bucket", "bucket"}, {"Key", "a/b c"}});
  EXPECT_EQ(heads.fields.at("length"), 5);
  EXPECT_EQ(heads.fields.at("ETag"), answer.fields.at("ETag"));
}

TEST_P(PutObjectTest, TakesEmptyBodiesWithAndWithoutASink) {
  EXPECT_EQ(put("with", "").code, "");
  EXPECT_EQ(call("PutObject", {{"Bucket", "bucket"}, {"Key", "without"}}).code, "");
  EXPECT_EQ(get("with").body, "");
  EXPECT_EQ(get("without").fields.at("ETag"), "\"d41d8cd98f00b204e9800998ecf8427e\"");
}

TEST_P(PutObjectTest, AnswersRanges) {
  for (const auto& [key, body] :
       {std::pair<std::string, std::string>{"small", "0123456789"}, {"large", kLarge}}) {
    put(key, body);
    const auto middle = get(key, {{"Range", "bytes=2-4"}});
    EXPECT_EQ(middle.status, 206);
    EXPECT_EQ(middle.body, body.substr(2, 3));
    EXPECT_EQ(middle.fields.at("ContentRange"), fmt::format("bytes 2-4/{}", body.size()));
    EXPECT_EQ(get(key, {{"Range", "bytes=-3"}}).body, body.substr(body.size() - 3));
    EXPECT_EQ(get(key, {{"Range", "bytes=7-"}}).body, body.substr(7));
    EXPECT_EQ(get(key, {{"Range", "bytes=5-99999999999999999999999"}}).body, body.substr(5));
    EXPECT_EQ(get(key, {{"Range", fmt::format("bytes={}-", body.size())}}).code, "InvalidRange");
    EXPECT_EQ(get(key, {{"Range", "bytes=-0"}}).status, 416);
    for (const char* whole : {"bytes=4-2", "bytes=x-2", "lines=1-2", "bytes=0-1,3-4", "bytes=-"})
      EXPECT_EQ(get(key, {{"Range", whole}}).status, 200) << whole;
  }
}

TEST_P(PutObjectTest, JudgesConditionsOfReads) {
  put("k", "hello");
  const std::string etag = "\"5d41402abc4b2a76b9719d911017c592\"";
  EXPECT_EQ(get("k", {{"IfMatch", etag}}).code, "");
  EXPECT_EQ(get("k", {{"IfMatch", "\"x\""}}).status, 412);
  EXPECT_EQ(get("k", {{"IfNoneMatch", etag}}).status, 304);
  EXPECT_EQ(get("k", {{"IfNoneMatch", "\"x\""}}).code, "");
  EXPECT_EQ(get("k", {{"IfModifiedSince", 1'700'000'000}}).status, 304) << "whole seconds count";
  EXPECT_EQ(get("k", {{"IfModifiedSince", 1'699'999'999}}).code, "");
  EXPECT_EQ(get("k", {{"IfUnmodifiedSince", 1'699'999'999}}).status, 412);
  EXPECT_EQ(get("k", {{"IfMatch", etag}, {"IfUnmodifiedSince", 1'699'999'999}}).code, "") << "the ETag wins";
  EXPECT_EQ(get("none").code, "NoSuchKey");
}

TEST_P(PutObjectTest, JudgesConditionsOfWrites) {
  EXPECT_EQ(put("k", "1", {{"IfMatch", "*"}}).code, "NoSuchKey");
  EXPECT_EQ(put("k", "1", {{"IfNoneMatch", "*"}}).code, "");
  EXPECT_EQ(put("k", "2", {{"IfNoneMatch", "*"}}).code, "PreconditionFailed");
  EXPECT_EQ(put("k", "2", {{"IfMatch", "\"wrong\""}}).code, "PreconditionFailed");
  EXPECT_EQ(get("k").body, "1");
  EXPECT_EQ(call("DeleteObject", {{"Bucket", "bucket"}, {"Key", "k"}, {"IfMatch", "\"wrong\""}}).status, 412);
  EXPECT_EQ(call("DeleteObject", {{"Bucket", "bucket"}, {"Key", "k"}, {"IfMatch", "*"}}).code, "");
}

TEST_P(PutObjectTest, OverridesHeadersOfTheAnswer) {
  put("k", "x", {{"ContentType", "text/plain"}});
  EXPECT_EQ(get("k", {{"ResponseContentType", "text/html"}}).fields.at("ContentType"), "text/html");
}

TEST_P(PutObjectTest, RefusesKeysThatAreNone) {
  EXPECT_EQ(put(std::string(1025, 'k'), "x").code, "KeyTooLongError");
  EXPECT_EQ(put(std::string(1024, 'k'), "x").code, "");
  EXPECT_EQ(put("../up", "x").code, "InvalidURI");
  EXPECT_EQ(put("a/../b", "x").code, "");
  EXPECT_EQ(put("\xff", "x").code, "InvalidURI");
}

// ---- what a body promised ----

TEST_P(PutObjectTest, ComparesEveryDigest) {
  EXPECT_EQ(put("k", "hello", {{"ContentMD5", "XUFAKrxLKna5cZ2REBfFkg=="}}).code, "");
  EXPECT_EQ(put("k", "hello", {{"ContentMD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}}).code, "BadDigest");
  EXPECT_EQ(put("k", "hello", {{"ContentMD5", "short"}}).code, "InvalidDigest");
  EXPECT_EQ(put("k", "hello", {{"ContentMD5", ""}}).code, "InvalidDigest");
  payload_sha256 = std::string(64, '0');
  EXPECT_EQ(put("k", "hello").code, "XAmzContentSHA256Mismatch");
  payload_sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  EXPECT_EQ(put("k", "hello").code, "");
}

TEST_P(PutObjectTest, KeepsTheFiveChecksums) {
  const std::pair<const char*, const char*> known[] = {
      {"CRC32", "NhCmhg=="},
      {"CRC32C", "mnG7TA=="},
      {"CRC64NVME", "M3eFcAZSQlc="},
      {"SHA1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="},
      {"SHA256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="}};
  for (const auto& [name, value] : known) {
    const auto member = std::string("Checksum") + name;
    const auto made = put("k", "hello", {{"ChecksumAlgorithm", name}});
    EXPECT_EQ(made.fields.at("ChecksumType"), "FULL_OBJECT");
    const std::string computed = made.fields.at(member);
    EXPECT_EQ(computed, value) << name;
    EXPECT_EQ(put("k", "hello", {{member, computed}}).code, "") << name;
    EXPECT_EQ(put("k", "hellO", {{member, computed}}).code, "BadDigest") << name;
    EXPECT_EQ(get("k", {{"ChecksumMode", "ENABLED"}}).fields.at(member), computed);
    EXPECT_FALSE(get("k").fields.contains(member)) << "not unasked";
    EXPECT_FALSE(get("k", {{"ChecksumMode", "ENABLED"}, {"Range", "bytes=0-1"}}).fields.contains(member));
  }
  EXPECT_EQ(put("k", "hello", {{"ChecksumCRC32", "!!"}}).code, "BadDigest");
  EXPECT_EQ(put("k", "hello", {{"ServerSideEncryption", "AES256"}, {"SSECustomerAlgorithm", "AES256"}}).code,
            "InvalidArgument");
  EXPECT_EQ(
      put("k", "hello", {{"ChecksumCRC32", "NhCmhg=="}, {"ChecksumSHA1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="}})
          .code,
      "InvalidRequest");
  EXPECT_EQ(put("k", "hello", {{"ChecksumAlgorithm", "XXHASH64"}}).code, "InvalidRequest");
}

TEST_P(PutObjectTest, TakesAChecksumFromTheTrailer) {
  head.headers.add("x-amz-trailer", "x-amz-checksum-crc32");
  const Document params = {{"Bucket", "bucket"}, {"Key", "k"}};
  EXPECT_EQ(call("PutObject", params, "hello", {{"x-amz-checksum-crc32", "AAAAAA=="}}).code, "BadDigest");
  EXPECT_EQ(call("PutObject", params, "hello", {{"x-amz-checksum-crc32", "NhCmhg=="}}).code, "");
  EXPECT_EQ(get("k", {{"ChecksumMode", "ENABLED"}}).fields.at("ChecksumCRC32"), "NhCmhg==");
}

TEST_P(PutObjectTest, RefusesTooMuchBeforeTheBody) {
  auto surroundings = context();
  const auto* operation = s3_.service->model().operation("PutObject");
  const auto sink =
      s3_.service->sink(surroundings, *operation, {{"Bucket", "bucket"}, {"Key", "k"}}, kMostBytes + 1);
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().code, "EntityTooLarge");
}

TEST_P(PutObjectTest, KeepsTheOldObjectWhenTheNewBodyIsWrong) {
  put("k", kLarge);
  EXPECT_EQ(put("k", "other", {{"ContentMD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}}).code, "BadDigest");
  EXPECT_EQ(get("k").body.size(), kLarge.size());
}

}  // namespace
}  // namespace sagelet::s3
