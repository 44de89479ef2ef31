#include "server/services/s3/fixture_for_tests.hpp"

namespace sagelet::s3 {
namespace {

class BucketRecordsTest : public S3Test {
 protected:
  Answer put_website(Document website) {
    return call("PutBucketWebsite", {{"Bucket", "bucket"}, {"WebsiteConfiguration", std::move(website)}});
  }
  Answer ask(const char* operation) { return call(operation, {{"Bucket", "bucket"}}); }
};

INSTANTIATE_TEST_SUITE_P(EachDurability, BucketRecordsTest, testing::Values(storage::Durability::kProcess));

TEST_P(BucketRecordsTest, AWebsiteIsKeptAndTakenAway) {
  EXPECT_EQ(ask("GetBucketWebsite").code, "NoSuchWebsiteConfiguration");
  const Document website = {{"IndexDocument", {{"Suffix", "index.html"}}}, {"ErrorDocument", {{"Key", "e"}}}};
  EXPECT_EQ(put_website(website).code, "");
  EXPECT_EQ(ask("GetBucketWebsite").fields, website);
  EXPECT_EQ(ask("DeleteBucketWebsite").code, "");
  EXPECT_EQ(ask("GetBucketWebsite").code, "NoSuchWebsiteConfiguration");
}

TEST_P(BucketRecordsTest, AWebsiteNeedsAnIndexOrOneRedirection) {
  EXPECT_EQ(put_website({{"ErrorDocument", {{"Key", "e"}}}}).code, "InvalidArgument");
  EXPECT_EQ(put_website({{"IndexDocument", {{"Suffix", "a/b"}}}}).code, "InvalidArgument");
  EXPECT_EQ(put_website({{"RedirectAllRequestsTo", {{"HostName", "a.example"}}}}).code, "");
  EXPECT_EQ(put_website({{"RedirectAllRequestsTo", {{"HostName", "a.example"}}},
                         {"IndexDocument", {{"Suffix", "i"}}}})
                .code,
            "InvalidRequest");
}

TEST_P(BucketRecordsTest, APlainBucketIsPaidForByItsOwnerAndNeitherLoggedNorAccelerated) {
  EXPECT_EQ(ask("GetBucketRequestPayment").fields, Document({{"Payer", "BucketOwner"}}));
  EXPECT_EQ(ask("GetBucketLogging").fields, Document::object());
  EXPECT_EQ(ask("GetBucketAccelerateConfiguration").fields, Document::object());
}

TEST_P(BucketRecordsTest, WhoPaysAndAccelerationAreKept) {
  const auto pays = [&](const char* payer) {
    return call("PutBucketRequestPayment",
                {{"Bucket", "bucket"}, {"RequestPaymentConfiguration", {{"Payer", payer}}}})
        .code;
  };
  EXPECT_EQ(pays("Nobody"), "MalformedXML");
  EXPECT_EQ(pays("Requester"), "");
  EXPECT_EQ(ask("GetBucketRequestPayment").fields.value("Payer", ""), "Requester");
  const auto accelerate = [&](const char* status) {
    return call("PutBucketAccelerateConfiguration",
                {{"Bucket", "bucket"}, {"AccelerateConfiguration", {{"Status", status}}}})
        .code;
  };
  EXPECT_EQ(accelerate("On"), "MalformedXML");
  EXPECT_EQ(accelerate("Enabled"), "");
  EXPECT_EQ(ask("GetBucketAccelerateConfiguration").fields.value("Status", ""), "Enabled");
}

TEST_P(BucketRecordsTest, LogsGoToABucketOfOnesOwn) {
  const auto log_to = [&](const char* target) {
    return call("PutBucketLogging",
                {{"Bucket", "bucket"},
                 {"BucketLoggingStatus",
                  {{"LoggingEnabled", {{"TargetBucket", target}, {"TargetPrefix", "p"}}}}}})
        .code;
  };
  EXPECT_EQ(log_to("not-there"), "InvalidTargetBucketForLogging");
  EXPECT_EQ(log_to("bucket"), "");
  EXPECT_EQ(ask("GetBucketLogging").fields["LoggingEnabled"].value("TargetBucket", ""), "bucket");
  EXPECT_EQ(
      call("PutBucketLogging", {{"Bucket", "bucket"}, {"BucketLoggingStatus", Document::object()}}).code, "");
  EXPECT_EQ(ask("GetBucketLogging").fields, Document::object());
}

}  // namespace
}  // namespace sagelet::s3
