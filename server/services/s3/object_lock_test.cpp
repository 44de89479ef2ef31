#include "server/services/s3/fixture_for_tests.hpp"

namespace sagelet::s3 {
namespace {

constexpr double kNow = 1'700'000'000.5;
constexpr double kDay = 86'400;

class ObjectLockTest : public S3Test {
 protected:
  void SetUp() override {
    S3Test::SetUp();
    ASSERT_EQ(call("CreateBucket", {{"Bucket", "locked"}, {"ObjectLockEnabledForBucket", true}}).code, "");
  }
  Document of_key(Document more = Document::object()) {
    more.update({{"Bucket", "locked"}, {"Key", "k"}});
    return more;
  }
  std::string put_version(Document more = Document::object()) {
    return call("PutObject", of_key(std::move(more)), "body").fields.value("VersionId", "");
  }
  std::string retain(const char* mode, double until, bool bypass = false) {
    return call("PutObjectRetention", of_key({{"Retention", {{"Mode", mode}, {"RetainUntilDate", until}}},
                                              {"BypassGovernanceRetention", bypass}}))
        .code;
  }
  std::string remove(const std::string& version, bool bypass = false) {
    return call("DeleteObject", of_key({{"VersionId", version}, {"BypassGovernanceRetention", bypass}})).code;
  }
  std::string configure(Document retention) {
    return call(
               "PutObjectLockConfiguration",
               {{"Bucket", "locked"},
                {"ObjectLockConfiguration",
                 {{"ObjectLockEnabled", "Enabled"}, {"Rule", {{"DefaultRetention", std::move(retention)}}}}}})
        .code;
  }
};

INSTANTIATE_TEST_SUITE_P(EachDurability, ObjectLockTest, testing::Values(storage::Durability::kProcess));

TEST_P(ObjectLockTest, AVersionUnderRetentionStaysUntilItsTime) {
  const auto version = put_version();
  EXPECT_EQ(retain("GOVERNANCE", kNow + kDay), "");
  EXPECT_EQ(remove(version), "AccessDenied");
  clock.time = from_millis(1'700'000'000'500 + 86'400'000);
  EXPECT_EQ(remove(version), "");
}

TEST_P(ObjectLockTest, BypassLoosensGovernanceAndNeverCompliance) {
  auto version = put_version();
  EXPECT_EQ(retain("GOVERNANCE", kNow + kDay), "");
  EXPECT_EQ(remove(version, true), "");
  version = put_version();
  EXPECT_EQ(retain("COMPLIANCE", kNow + kDay), "");
  EXPECT_EQ(remove(version, true), "AccessDenied");
  EXPECT_EQ(retain("COMPLIANCE", kNow + kDay - 1, true), "AccessDenied");
  EXPECT_EQ(retain("GOVERNANCE", kNow + 2 * kDay, true), "AccessDenied");
  EXPECT_EQ(retain("COMPLIANCE", kNow + 2 * kDay), "");
}

TEST_P(ObjectLockTest, GovernanceIsShortenedWithBypassOnly) {
  put_version();
  EXPECT_EQ(retain("GOVERNANCE", kNow + 2 * kDay), "");
  EXPECT_EQ(retain("GOVERNANCE", kNow + kDay), "AccessDenied");
  EXPECT_EQ(retain("COMPLIANCE", kNow + 3 * kDay), "AccessDenied");
  EXPECT_EQ(retain("GOVERNANCE", kNow + kDay, true), "");
  const auto got = call("GetObjectRetention", of_key()).fields.at("Retention");
  EXPECT_EQ(got.at("RetainUntilDate"), kNow + kDay);
}

TEST_P(ObjectLockTest, ALegalHoldHasNoEndAndNoBypass) {
  const auto version = put_version({{"ObjectLockLegalHoldStatus", "ON"}});
  clock.time = from_millis(4'000'000'000'000);
  EXPECT_EQ(remove(version, true), "AccessDenied");
  EXPECT_EQ(call("GetObjectLegalHold", of_key()).fields.at("LegalHold").at("Status"), "ON");
  EXPECT_EQ(call("PutObjectLegalHold", of_key({{"LegalHold", {{"Status", "OFF"}}}})).code, "");
  EXPECT_EQ(remove(version), "");
}

TEST_P(ObjectLockTest, ALockFollowsItsVersionUnderNewerOnes) {
  const auto old =
      put_version({{"ObjectLockMode", "COMPLIANCE"}, {"ObjectLockRetainUntilDate", kNow + kDay}});
  const auto newer = put_version();
  EXPECT_EQ(call("DeleteObject", of_key()).code, "") << "a marker hides, it deletes nothing";
  EXPECT_EQ(remove(old), "AccessDenied");
  EXPECT_EQ(remove(newer), "");
  const auto many = call("DeleteObjects", {{"Bucket", "locked"},
                                           {"BypassGovernanceRetention", true},
                                           {"Delete", {{"Objects", {{{"Key", "k"}, {"VersionId", old}}}}}}});
  EXPECT_EQ(many.fields.at("Errors").at(0).at("Code"), "AccessDenied");
  const auto seen = call("HeadObject", of_key({{"VersionId", old}})).fields;
  EXPECT_EQ(seen.at("ObjectLockMode"), "COMPLIANCE");
  EXPECT_EQ(seen.at("ObjectLockRetainUntilDate"), kNow + kDay);
}

TEST_P(ObjectLockTest, TheBucketsDefaultLocksWhatIsMadeLater) {
  const auto before = put_version();
  EXPECT_EQ(configure({{"Mode", "GOVERNANCE"}, {"Days", 2}}), "");
  const auto after = put_version();
  EXPECT_EQ(remove(before), "");
  EXPECT_EQ(remove(after), "AccessDenied");
  EXPECT_EQ(call("GetObjectRetention", of_key()).fields.at("Retention").at("RetainUntilDate"),
            kNow + 2 * kDay);
}

TEST_P(ObjectLockTest, RefusesWrongConfigurations) {
  EXPECT_EQ(configure({{"Mode", "GOVERNANCE"}, {"Days", 1}, {"Years", 1}}), "MalformedXML");
  EXPECT_EQ(configure({{"Mode", "GOVERNANCE"}}), "MalformedXML");
  EXPECT_EQ(configure({{"Mode", "governance"}, {"Days", 1}}), "MalformedXML");
  EXPECT_EQ(configure({{"Mode", "GOVERNANCE"}, {"Days", 0}}), "InvalidRetentionPeriod");
  EXPECT_EQ(configure({{"Mode", "GOVERNANCE"}, {"Years", 101}}), "InvalidRetentionPeriod");
  EXPECT_EQ(retain("GOVERNANCE", kNow - 1), "InvalidArgument");
}

TEST_P(ObjectLockTest, AYearHas365Days) {
  EXPECT_EQ(configure({{"Mode", "GOVERNANCE"}, {"Years", 2}}), "");
  put_version();
  EXPECT_EQ(call("GetObjectRetention", of_key()).fields.at("Retention").at("RetainUntilDate"),
            kNow + 730 * kDay);
}

TEST_P(ObjectLockTest, TheSameRetentionAgainIsNoShorterOne) {
  put_version();
  EXPECT_EQ(retain("COMPLIANCE", kNow + kDay), "");
  EXPECT_EQ(retain("COMPLIANCE", kNow + kDay), "");
}

TEST_P(ObjectLockTest, ABypassTakesAGovernanceRetentionAway) {
  const auto version = put_version();
  EXPECT_EQ(retain("GOVERNANCE", kNow + kDay), "");
  const Document none = {{"Retention", Document::object()}};
  EXPECT_EQ(call("PutObjectRetention", of_key(none)).code, "AccessDenied");
  auto bypassed = of_key(none);
  bypassed["BypassGovernanceRetention"] = true;
  EXPECT_EQ(call("PutObjectRetention", bypassed).code, "");
  EXPECT_EQ(call("GetObjectRetention", of_key()).code, "NoSuchObjectLockConfiguration");
  EXPECT_EQ(remove(version), "");
}

TEST_P(ObjectLockTest, RefusesHalfALockAndUnknownWords) {
  const auto code = [&](Document more) { return call("PutObject", of_key(std::move(more)), "body").code; };
  EXPECT_EQ(code({{"ObjectLockMode", "GOVERNANCE"}}), "InvalidArgument");
  EXPECT_EQ(code({{"ObjectLockRetainUntilDate", kNow + kDay}}), "InvalidArgument");
  EXPECT_EQ(code({{"ObjectLockMode", "governance"}, {"ObjectLockRetainUntilDate", kNow + kDay}}),
            "InvalidArgument");
  put_version();
  EXPECT_EQ(call("PutObjectLegalHold", of_key({{"LegalHold", {{"Status", "on"}}}})).code, "MalformedXML");
}

TEST_P(ObjectLockTest, ABucketWithoutLocksRefusesThem) {
  put("k", "body");
  EXPECT_EQ(call("GetObjectRetention", {{"Bucket", "bucket"}, {"Key", "k"}}).code, "InvalidRequest");
  EXPECT_EQ(call("GetObjectLegalHold", {{"Bucket", "bucket"}, {"Key", "k"}}).code, "InvalidRequest");
  const Document retention = {{"Mode", "GOVERNANCE"}, {"RetainUntilDate", kNow + kDay}};
  EXPECT_EQ(call("PutObjectRetention", {{"Bucket", "bucket"}, {"Key", "k"}, {"Retention", retention}}).code,
            "InvalidRequest");
  EXPECT_EQ(put("k", "body", {{"ObjectLockLegalHoldStatus", "ON"}}).code, "InvalidRequest");
  const Document enabled = {{"ObjectLockEnabled", "Enabled"}};
  EXPECT_EQ(
      call("PutObjectLockConfiguration", {{"Bucket", "bucket"}, {"ObjectLockConfiguration", enabled}}).code,
      "InvalidBucketState");
  EXPECT_EQ(call("GetObjectLockConfiguration", {{"Bucket", "bucket"}}).code,
            "ObjectLockConfigurationNotFoundError");
}

TEST_P(ObjectLockTest, ALockedBucketStaysVersioned) {
  EXPECT_EQ(call("GetBucketVersioning", {{"Bucket", "locked"}}).fields.at("Status"), "Enabled");
  EXPECT_EQ(call("PutBucketVersioning",
                 {{"Bucket", "locked"}, {"VersioningConfiguration", {{"Status", "Suspended"}}}})
                .code,
            "InvalidBucketState");
}

TEST_P(ObjectLockTest, AnUploadKeepsItsLockForTheObject) {
  const auto id = call("CreateMultipartUpload",
                       of_key({{"ObjectLockMode", "COMPLIANCE"}, {"ObjectLockRetainUntilDate", kNow + kDay}}))
                      .fields.at("UploadId")
                      .get<std::string>();
  const auto part = call("UploadPart", of_key({{"UploadId", id}, {"PartNumber", 1}}), "body");
  const auto made = call(
      "CompleteMultipartUpload",
      of_key({{"UploadId", id},
              {"MultipartUpload", {{"Parts", {{{"PartNumber", 1}, {"ETag", part.fields.at("ETag")}}}}}}}));
  EXPECT_EQ(remove(made.fields.at("VersionId"), true), "AccessDenied");
}

}  // namespace
}  // namespace sagelet::s3
