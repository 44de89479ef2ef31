#include "server/services/s3/fixture_for_tests.hpp"

namespace sagelet::s3 {
namespace {

class BucketsTest : public S3Test {};

INSTANTIATE_TEST_SUITE_P(EachDurability, BucketsTest,
                         testing::Values(storage::Durability::kPower, storage::Durability::kProcess));

TEST_P(BucketsTest, CreatesABucketAgainInTheFirstRegionOnly) {
  EXPECT_EQ(call("CreateBucket", {{"Bucket", "bucket"}}).code, "");
  region = "eu-west-1";
  const Document there = {{"Bucket", "there"},
                          {"CreateBucketConfiguration", {{"LocationConstraint", "eu-west-1"}}}};
  EXPECT_EQ(call("CreateBucket", there).code, "");
  EXPECT_EQ(call("CreateBucket", there).code, "BucketAlreadyOwnedByYou");
  EXPECT_EQ(call("CreateBucket", {{"Bucket", "other"}}).code, "IllegalLocationConstraintException");
  EXPECT_EQ(call("GetBucketLocation", {{"Bucket", "there"}}).fields.at("LocationConstraint"), "eu-west-1");
  EXPECT_FALSE(call("GetBucketLocation", {{"Bucket", "bucket"}}).fields.contains("LocationConstraint"));
  account = "999999999999";
  EXPECT_EQ(call("CreateBucket", there).code, "BucketAlreadyExists");
}

TEST_P(BucketsTest, RefusesNamesThatNoBucketMayHave) {
  for (const char* name :
       {"ab", "-abc", "abc-", "a..b", "a.-b", "a_b", "Abc", "192.168.0.1", "xn--abc", "abc-s3alias"})
    EXPECT_EQ(call("CreateBucket", {{"Bucket", name}}).code, "InvalidBucketName") << name;
  for (const char* name : {"abc", "a.b.c", "1-2", "192.168.0.1.5"})
    EXPECT_EQ(call("CreateBucket", {{"Bucket", name}}).code, "") << name;
}

TEST_P(BucketsTest, DeletesOnlyEmptyBuckets) {
  put("k", "x");
  EXPECT_EQ(call("DeleteBucket", {{"Bucket", "bucket"}}).code, "BucketNotEmpty");
  call("DeleteObject", {{"Bucket", "bucket"}, {"Key", "k"}});
  EXPECT_EQ(call("DeleteBucket", {{"Bucket", "bucket"}}).code, "");
  EXPECT_EQ(call("HeadBucket", {{"Bucket", "bucket"}}).status, 404);
  EXPECT_EQ(put("k", "x").code, "NoSuchBucket");
}

TEST_P(BucketsTest, ShowsEachAccountItsOwn) {
  EXPECT_EQ(call("ListBuckets", Document::object()).fields.at("Buckets").size(), 1u);
  account = "999999999999";
  EXPECT_EQ(call("ListBuckets", Document::object()).fields.at("Buckets").size(), 0u);
  EXPECT_EQ(get("k").code, "AccessDenied");
  EXPECT_EQ(call("HeadBucket", {{"Bucket", "bucket"}}).status, 403);
}

TEST_P(BucketsTest, ChecksTheExpectedOwner) {
  EXPECT_EQ(call("HeadBucket", {{"Bucket", "bucket"}, {"ExpectedBucketOwner", account}}).code, "");
  EXPECT_EQ(call("HeadBucket", {{"Bucket", "bucket"}, {"ExpectedBucketOwner", "999999999999"}}).code,
            "AccessDenied");
}

TEST_P(BucketsTest, KeepsBucketSettings) {
  const Document bucket = {{"Bucket", "bucket"}};
  EXPECT_EQ(call("GetBucketTagging", bucket).code, "NoSuchTagSet");
  auto tagging = bucket;
  tagging["Tagging"] = {{"TagSet", {{{"Key", "a"}, {"Value", "1"}}}}};
  EXPECT_EQ(call("PutBucketTagging", tagging).code, "");
  EXPECT_EQ(call("GetBucketTagging", bucket).fields.at("TagSet").at(0).at("Value"), "1");
  EXPECT_EQ(call("DeleteBucketTagging", bucket).code, "");
  EXPECT_EQ(call("GetBucketTagging", bucket).code, "NoSuchTagSet");
  EXPECT_EQ(call("GetPublicAccessBlock", bucket).code, "NoSuchPublicAccessBlockConfiguration");
  EXPECT_EQ(call("GetBucketPolicy", bucket).code, "NoSuchBucketPolicy");
  EXPECT_EQ(call("GetBucketCors", bucket).code, "NoSuchCORSConfiguration");
  EXPECT_TRUE(call("GetBucketVersioning", bucket).fields.empty());
}

TEST_P(BucketsTest, NewObjectsTakeTheBucketsEncryption) {
  EXPECT_EQ(put("before", "x").fields.at("ServerSideEncryption"), "AES256");
  const Document rule = {
      {"ApplyServerSideEncryptionByDefault", {{"SSEAlgorithm", "aws:kms"}, {"KMSMasterKeyID", "key"}}}};
  call("PutBucketEncryption",
       {{"Bucket", "bucket"}, {"ServerSideEncryptionConfiguration", {{"Rules", Document::array({rule})}}}});
  EXPECT_EQ(put("after", "x").fields.at("ServerSideEncryption"), "aws:kms");
  EXPECT_EQ(get("after").fields.at("SSEKMSKeyId"), "key");
}

// ---- seeded folders and SageMaker's view ----

TEST_P(BucketsTest, ServesASeededFolderToEverybodyReadOnly) {
  for (const char* who : {"123456789012", "999999999999"}) {
    account = who;
    const auto got = call("GetObject", {{"Bucket", "sample"}, {"Key", "datasets/iris/iris.data"}});
    EXPECT_THAT(got.body, testing::StartsWith("5.1,3.5"));
    EXPECT_EQ(got.fields.at("ETag").get<std::string>(),
              "\"" + to_hex(Digest::of(DigestKind::kMd5, got.body)) + "\"");
    EXPECT_EQ(call("PutObject", {{"Bucket", "sample"}, {"Key", "k"}}, "x").code, "AccessDenied");
    EXPECT_EQ(call("DeleteObject", {{"Bucket", "sample"}, {"Key", "datasets/iris/iris.data"}}).code,
              "AccessDenied");
    EXPECT_EQ(call("GetObject", {{"Bucket", "sample"}, {"Key", "../ledger.db"}}).code, "NoSuchKey");
    const auto list =
        call("ListObjectsV2", {{"Bucket", "sample"}, {"Prefix", "datasets/"}, {"Delimiter", "/"}});
    EXPECT_EQ(list.fields.at("CommonPrefixes").at(0).at("Prefix"), "datasets/iris/");
  }
  EXPECT_EQ(call("CopyObject",
                 {{"Bucket", "bucket"}, {"Key", "x"}, {"CopySource", "sample/datasets/iris/iris.data"}})
                .code,
            "AccessDenied")
      << "the bucket is another account's";
  EXPECT_EQ(call("CreateBucket", {{"Bucket", "sample"}}).code, "BucketAlreadyExists");
}

TEST_P(BucketsTest, TellsWhetherAnythingLiesUnderAPrefix) {
  put("train/x", "1");
  const AccountId mine(account);
  EXPECT_EQ(s3_.view->any_under(mine, "bucket", "train/"), true);
  EXPECT_EQ(s3_.view->any_under(mine, "bucket", "test/"), false);
  EXPECT_EQ(s3_.view->any_under(AccountId("999999999999"), "sample", "datasets/"), true);
  const auto none = s3_.view->any_under(mine, "none", "");
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().is(ErrorKind::kNotFound));
}

TEST_P(BucketsTest, AnswersWithoutBreakingWhenTheStoreIsReset) {
  put("k", kLarge);
  ASSERT_TRUE(store_->clear());
  EXPECT_EQ(get("k").code, "NoSuchBucket");
  EXPECT_EQ(call("CreateBucket", {{"Bucket", "bucket"}}).code, "");
  EXPECT_EQ(put("k", "new").code, "");
  EXPECT_EQ(get("k").body, "new");
}

}  // namespace
}  // namespace sagelet::s3
