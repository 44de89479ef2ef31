#include "server/services/s3/fixture_for_tests.hpp"

namespace sagelet::s3 {
namespace {

class VersionsTest : public S3Test {
 protected:
  void versioning(const char* status) {
    ASSERT_EQ(
        call("PutBucketVersioning", {{"Bucket", "bucket"}, {"VersioningConfiguration", {{"Status", status}}}})
            .code,
        "");
  }
  std::string version(const Answer& answer) { return answer.fields.value("VersionId", "none"); }
  Answer remove(Document more = Document::object()) {
    more.update({{"Bucket", "bucket"}, {"Key", "k"}});
    return call("DeleteObject", std::move(more));
  }
  Answer listed() { return call("ListObjectVersions", {{"Bucket", "bucket"}}); }
};

INSTANTIATE_TEST_SUITE_P(EachDurability, VersionsTest, testing::Values(storage::Durability::kProcess));

TEST_P(VersionsTest, ABucketSaysWhetherItIsVersioned) {
  const Document bucket = {{"Bucket", "bucket"}};
  EXPECT_TRUE(call("GetBucketVersioning", bucket).fields.empty());
  versioning("Enabled");
  EXPECT_EQ(call("GetBucketVersioning", bucket).fields.at("Status"), "Enabled");
  versioning("Suspended");
  EXPECT_EQ(call("GetBucketVersioning", bucket).fields.at("Status"), "Suspended");
  EXPECT_EQ(call("PutBucketVersioning",
                 {{"Bucket", "bucket"}, {"VersioningConfiguration", {{"Status", "Sometimes"}}}})
                .code,
            "MalformedXML");
}

TEST_P(VersionsTest, EveryVersionIsReadByItsName) {
  EXPECT_EQ(version(put("k", "zero")), "none");
  versioning("Enabled");
  const auto one = version(put("k", "one"));
  const auto two = version(put("k", kLarge));
  EXPECT_NE(one, two);
  EXPECT_EQ(get("k").body, kLarge);
  EXPECT_EQ(version(get("k")), two);
  EXPECT_EQ(get("k", {{"VersionId", one}}).body, "one");
  EXPECT_EQ(get("k", {{"VersionId", "null"}}).body, "zero");
  EXPECT_EQ(version(get("k", {{"VersionId", "null"}})), "null");
  EXPECT_EQ(get("k", {{"VersionId", "gone"}}).code, "NoSuchVersion");
}

TEST_P(VersionsTest, AMarkerAnswersAsThoughNothingWereThere) {
  versioning("Enabled");
  const auto kept = version(put("k", "one"));
  const auto deleted = remove();
  EXPECT_EQ(deleted.fields.at("DeleteMarker"), true);
  EXPECT_EQ(get("k").code, "NoSuchKey");
  EXPECT_EQ(get("k", {{"VersionId", version(deleted)}}).code, "MethodNotAllowed");
  EXPECT_EQ(get("k", {{"VersionId", kept}}).body, "one");
  EXPECT_TRUE(call("ListObjectsV2", {{"Bucket", "bucket"}}).fields.at("Contents").empty());
  EXPECT_EQ(call("DeleteBucket", {{"Bucket", "bucket"}}).code, "BucketNotEmpty");
  const auto undone = remove({{"VersionId", version(deleted)}});
  EXPECT_EQ(undone.fields.at("DeleteMarker"), true);
  EXPECT_EQ(get("k").body, "one");
  EXPECT_FALSE(remove({{"VersionId", kept}}).fields.contains("DeleteMarker"));
  EXPECT_EQ(call("DeleteBucket", {{"Bucket", "bucket"}}).code, "");
}

TEST_P(VersionsTest, SuspendedWritesReplaceTheNullVersionOnly) {
  versioning("Enabled");
  const auto kept = version(put("k", "one"));
  versioning("Suspended");
  EXPECT_FALSE(put("k", "two").fields.contains("VersionId"));
  EXPECT_FALSE(put("k", "three").fields.contains("VersionId"));
  EXPECT_EQ(version(get("k")), "null");
  EXPECT_EQ(listed().fields.at("Versions").size(), 2);
  EXPECT_EQ(version(remove()), "null");
  EXPECT_EQ(get("k", {{"VersionId", kept}}).body, "one");
  EXPECT_EQ(listed().fields.at("DeleteMarkers").at(0).at("IsLatest"), true);
  EXPECT_EQ(listed().fields.at("Versions").size(), 1);
}

TEST_P(VersionsTest, CopiesAndTagsNameAVersion) {
  versioning("Enabled");
  const auto one = version(put("k", "one"));
  put("k", "two");
  const auto copied =
      call("CopyObject", {{"Bucket", "bucket"}, {"Key", "k"}, {"CopySource", "bucket/k?versionId=" + one}});
  EXPECT_EQ(copied.fields.value("CopySourceVersionId", ""), one);
  EXPECT_EQ(get("k").body, "one");
  const Document tags = {{"TagSet", {{{"Key", "a"}, {"Value", "b"}}}}};
  EXPECT_EQ(
      call("PutObjectTagging", {{"Bucket", "bucket"}, {"Key", "k"}, {"VersionId", one}, {"Tagging", tags}})
          .code,
      "");
  EXPECT_EQ(get("k", {{"VersionId", one}}).fields.value("TagCount", 0), 1);
  EXPECT_EQ(get("k").fields.value("TagCount", 0), 0);
}

TEST_P(VersionsTest, DeletesManySayWhatBecameOfEach) {
  versioning("Enabled");
  const auto one = version(put("a", "one"));
  put("b", "two");
  const auto answer =
      call("DeleteObjects",
           {{"Bucket", "bucket"},
            {"Delete", {{"Objects", {{{"Key", "a"}, {"VersionId", one}}, {{"Key", "b"}}, {{"Key", "c"}}}}}}});
  const auto& deleted = answer.fields.at("Deleted");
  EXPECT_EQ(deleted.at(0).at("VersionId"), one);
  EXPECT_FALSE(deleted.at(0).contains("DeleteMarker"));
  EXPECT_EQ(deleted.at(1).at("DeleteMarker"), true);
  EXPECT_NE(deleted.at(1).at("DeleteMarkerVersionId"), deleted.at(2).at("DeleteMarkerVersionId"));
}

TEST_P(VersionsTest, EveryListKnowsOneEncoding) {
  for (const char* list : {"ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads"}) {
    EXPECT_EQ(call(list, {{"Bucket", "bucket"}, {"EncodingType", "rot13"}}).code, "InvalidArgument") << list;
    EXPECT_EQ(call(list, {{"Bucket", "bucket"}, {"EncodingType", "url"}}).code, "") << list;
  }
}

TEST_P(VersionsTest, ASeededFolderHasNullVersions) {
  const auto answer = call("ListObjectVersions", {{"Bucket", "sample"}, {"Prefix", "datasets/"}});
  EXPECT_EQ(answer.fields.at("Versions").at(0).at("VersionId"), "null");
  EXPECT_EQ(
      call("GetObject", {{"Bucket", "sample"}, {"Key", "datasets/iris/iris.data"}, {"VersionId", "x"}}).code,
      "NoSuchVersion");
}

}  // namespace
}  // namespace sagelet::s3
