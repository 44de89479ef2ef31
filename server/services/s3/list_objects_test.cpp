#include "server/services/s3/fixture_for_tests.hpp"

namespace sagelet::s3 {
namespace {

using testing::ElementsAre;

class ListObjectsTest : public S3Test {};

INSTANTIATE_TEST_SUITE_P(EachDurability, ListObjectsTest,
                         testing::Values(storage::Durability::kPower, storage::Durability::kProcess));

// ---- lists ----

TEST_P(ListObjectsTest, ListsWithTokensAndDelimiter) {
  for (const char* key : {"a", "b/1", "b/2", "c+ d", "e"}) put(key, "x");
  const auto first = call("ListObjectsV2", {{"Bucket", "bucket"}, {"MaxKeys", 2}, {"Delimiter", "/"}});
  EXPECT_THAT(keys(first), ElementsAre("a"));
  EXPECT_EQ(first.fields.at("CommonPrefixes").at(0).at("Prefix"), "b/");
  EXPECT_EQ(first.fields.at("KeyCount"), 2);
  EXPECT_TRUE(first.fields.at("IsTruncated"));
  EXPECT_FALSE(first.fields.at("Contents").at(0).contains("Owner"));
  const auto second =
      call("ListObjectsV2", {{"Bucket", "bucket"},
                             {"Delimiter", "/"},
                             {"EncodingType", "url"},
                             {"FetchOwner", true},
                             {"ContinuationToken", first.fields.at("NextContinuationToken")}});
  EXPECT_THAT(keys(second), ElementsAre("c%2B%20d", "e"));
  EXPECT_TRUE(second.fields.at("Contents").at(0).contains("Owner"));
  EXPECT_FALSE(second.fields.contains("NextContinuationToken"));
  EXPECT_EQ(call("ListObjectsV2", {{"Bucket", "bucket"}, {"ContinuationToken", "bad"}}).code,
            "InvalidArgument");
  EXPECT_THAT(keys(call("ListObjectsV2", {{"Bucket", "bucket"}, {"StartAfter", "b/2"}})),
              ElementsAre("c+ d", "e"));
}

TEST_P(ListObjectsTest, ListsTheOldWay) {
  for (const char* key : {"a", "b", "c"}) put(key, "x");
  const auto page = call("ListObjects", {{"Bucket", "bucket"}, {"MaxKeys", 2}});
  EXPECT_THAT(keys(page), ElementsAre("a", "b"));
  EXPECT_EQ(page.fields.at("Marker"), "");
  EXPECT_EQ(page.fields.at("Prefix"), "");
  EXPECT_FALSE(page.fields.contains("NextMarker")) << "only with a delimiter";
  EXPECT_THAT(keys(call("ListObjects", {{"Bucket", "bucket"}, {"Marker", "b"}})), ElementsAre("c"));
  const auto none = call("ListObjects", {{"Bucket", "bucket"}, {"MaxKeys", 0}});
  EXPECT_FALSE(none.fields.at("IsTruncated"));
  EXPECT_EQ(call("ListObjects", {{"Bucket", "bucket"}, {"MaxKeys", -1}}).code, "InvalidArgument");
}

TEST_P(ListObjectsTest, DeletesMany) {
  for (const char* key : {"a", "b", "c"}) put(key, "x");
  const Document objects = {{{"Key", "a"}}, {{"Key", "b"}, {"ETag", "\"wrong\""}}, {{"Key", "none"}}};
  const auto answer = call("DeleteObjects", {{"Bucket", "bucket"}, {"Delete", {{"Objects", objects}}}});
  EXPECT_EQ(answer.fields.at("Deleted").size(), 2u) << "what is not there counts as deleted";
  EXPECT_EQ(answer.fields.at("Errors").at(0).at("Code"), "PreconditionFailed");
  EXPECT_THAT(keys(call("ListObjectsV2", {{"Bucket", "bucket"}})), ElementsAre("b", "c"));
  EXPECT_EQ(call("DeleteObjects", {{"Bucket", "bucket"}, {"Delete", {{"Objects", Document::array()}}}}).code,
            "MalformedXML");
}

// ---- copies ----

TEST_P(ListObjectsTest, APlusInACopySourceIsABlankUnlessItIsEncoded) {
  put("a b+c", "body");
  const auto copy = [&](const char* source) {
    return call("CopyObject", {{"Bucket", "bucket"}, {"Key", "to"}, {"CopySource", source}}).code;
  };
  EXPECT_EQ(copy("bucket/a+b%2Bc"), "");
  EXPECT_EQ(copy("bucket/a%20b%2Bc"), "");
  EXPECT_EQ(copy("bucket/a+b+c"), "NoSuchKey");
}

TEST_P(ListObjectsTest, CopiesWithDirectives) {
  put("dir/from here", kLarge, {{"ContentType", "text/x"}, {"Metadata", {{"m", "1"}}}, {"Tagging", "t=1"}});
  const Document plain = {{"Bucket", "bucket"}, {"Key", "to"}, {"CopySource", "/bucket/dir/from%20here"}};
  const auto copy = call("CopyObject", plain);
  EXPECT_EQ(copy.fields.at("CopyObjectResult").at("ETag"), get("dir/from here").fields.at("ETag"));
  EXPECT_EQ(get("to").body.size(), kLarge.size());
  EXPECT_EQ(get("to").fields.at("Metadata").at("m"), "1");
  EXPECT_EQ(get("to").fields.at("TagCount"), 1);
  auto replacing = plain;
  replacing.update(
      {{"MetadataDirective", "REPLACE"}, {"TaggingDirective", "REPLACE"}, {"Metadata", {{"n", "2"}}}});
  call("CopyObject", replacing);
  EXPECT_EQ(get("to").fields.at("Metadata"), Document({{"n", "2"}}));
  EXPECT_FALSE(get("to").fields.contains("TagCount"));
  EXPECT_EQ(get("to").fields.at("ContentType"), "binary/octet-stream");
}

TEST_P(ListObjectsTest, RefusesCopiesInVainAndConditionsThatFail) {
  put("k", "hello");
  const Document self = {{"Bucket", "bucket"}, {"Key", "k"}, {"CopySource", "bucket/k"}};
  EXPECT_EQ(call("CopyObject", self).code, "InvalidRequest");
  auto other = self;
  other["Key"] = "other";
  other["CopySourceIfNoneMatch"] = "*";
  EXPECT_EQ(call("CopyObject", other).status, 412) << "never 304";
  EXPECT_EQ(call("CopyObject", {{"Bucket", "bucket"}, {"Key", "x"}, {"CopySource", "bucket/none"}}).code,
            "NoSuchKey");
  EXPECT_EQ(call("CopyObject", {{"Bucket", "bucket"}, {"Key", "x"}, {"CopySource", "bucket"}}).code,
            "InvalidArgument");
}

TEST_P(ListObjectsTest, CopyComputesAnotherChecksumWhenAsked) {
  put("k", "hello");
  const auto copy =
      call("CopyObject",
           {{"Bucket", "bucket"}, {"Key", "to"}, {"CopySource", "bucket/k"}, {"ChecksumAlgorithm", "SHA1"}});
  EXPECT_EQ(copy.fields.at("CopyObjectResult").at("ChecksumSHA1"), "qvTGHdzF6KLavt4PO0gs2a6pQ00=");
}

// ---- tags ----

TEST_P(ListObjectsTest, HoldsTheRulesOfTags) {
  put("k", "x");
  const auto tag = [&](const Document& set) {
    return call("PutObjectTagging", {{"Bucket", "bucket"}, {"Key", "k"}, {"Tagging", {{"TagSet", set}}}});
  };
  EXPECT_EQ(tag({{{"Key", "a"}, {"Value", "1"}}}).code, "");
  EXPECT_EQ(call("GetObjectTagging", {{"Bucket", "bucket"}, {"Key", "k"}}).fields.at("TagSet").size(), 1u);
  auto many = Document::array();
  for (int i = 0; i < 11; ++i) many.push_back({{"Key", std::to_string(i)}, {"Value", ""}});
  EXPECT_EQ(tag(many).code, "InvalidTag");
  EXPECT_EQ(tag({{{"Key", std::string(129, 'k')}, {"Value", ""}}}).code, "InvalidTag");
  EXPECT_EQ(tag({{{"Key", "k"}, {"Value", std::string(257, 'v')}}}).code, "InvalidTag");
  EXPECT_EQ(tag({{{"Key", "k"}, {"Value", "1"}}, {{"Key", "k"}, {"Value", "2"}}}).code, "InvalidTag");
  EXPECT_EQ(call("DeleteObjectTagging", {{"Bucket", "bucket"}, {"Key", "k"}}).code, "");
  EXPECT_EQ(call("GetObjectTagging", {{"Bucket", "bucket"}, {"Key", "k"}}).fields.at("TagSet").size(), 0u);
  EXPECT_EQ(call("GetObjectTagging", {{"Bucket", "bucket"}, {"Key", "none"}}).code, "NoSuchKey");
}

}  // namespace
}  // namespace sagelet::s3
