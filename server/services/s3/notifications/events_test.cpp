#include "server/services/s3/notifications/events.hpp"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace sagelet::s3::notifications {
namespace {

constexpr const char* kQueue = "arn:aws:sqs:us-east-1:123456789012:q";

Document target(std::vector<std::string> events, std::vector<Document> rules = {}) {
  return {
      {"QueueArn", kQueue}, {"Events", events}, {"Filter", {{"Key", {{"FilterRules", std::move(rules)}}}}}};
}
Document rule(const char* name, const char* value) {
  return {{"Name", name}, {"Value", value}};
}

Reply<Document> configured(std::vector<Document> targets) {
  RandomIds ids;
  return configuration_from({{"NotificationConfiguration", {{"QueueConfigurations", std::move(targets)}}}},
                            ids);
}
std::string refusal(std::vector<Document> targets) {
  const auto made = configured(std::move(targets));
  return made ? "" : made.error().message;
}

Event put(const char* key) {
  return {"ObjectCreated:Put", key, 3, "etag", "", false};
}

TEST(NotificationEvents, AnEventIsWantedByNameAndKey) {
  const auto made =
      configured({target({"s3:ObjectCreated:*"}, {rule("Prefix", "in/"), rule("suffix", ".csv")})});
  ASSERT_TRUE(made);
  const auto all = targets_from(*made);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_FALSE(all[0].id.empty());
  EXPECT_TRUE(wants(all[0], put("in/a.csv")));
  EXPECT_FALSE(wants(all[0], put("out/a.csv")));
  EXPECT_FALSE(wants(all[0], put("in/a.txt")));
  auto removed = put("in/a.csv");
  removed.name = "ObjectRemoved:Delete";
  EXPECT_FALSE(wants(all[0], removed));
}

TEST(NotificationEvents, AConfigurationIsChecked) {
  EXPECT_EQ(refusal({target({"s3:ObjectCreated:Put"})}), "");
  EXPECT_EQ(refusal({target({"s3:ObjectEaten"})}), "The event is not supported for notifications");
  EXPECT_EQ(refusal({target({"s3:ObjectCreated:*"}, {rule("infix", "a")})}),
            "filter rule name must be either prefix or suffix");
  EXPECT_EQ(refusal({target({"s3:ObjectCreated:*"}, {rule("prefix", "a"), rule("Prefix", "b")})}),
            "Cannot specify more than one prefix rule in a filter.");
  auto nowhere = target({"s3:ObjectCreated:*"});
  nowhere["QueueArn"] = "queue";
  EXPECT_EQ(refusal({nowhere}), "The ARN is not well formed");
}

TEST(NotificationEvents, TwoTargetsMayNotBeToldOfTheSameThing) {
  const auto made = target({"s3:ObjectCreated:*"}, {rule("prefix", "a")});
  EXPECT_THAT(refusal({made, target({"s3:ObjectCreated:Put"}, {rule("prefix", "ab")})}),
              testing::StartsWith("Configurations overlap"));
  EXPECT_EQ(refusal({made, target({"s3:ObjectCreated:Put"}, {rule("prefix", "b")})}), "");
  EXPECT_EQ(refusal({made, target({"s3:ObjectRemoved:*"}, {rule("prefix", "a")})}), "");
}

TEST(NotificationEvents, ARecordReadsAsAwsWritesIt) {
  storage::Bucket bucket;
  bucket.name = "b";
  bucket.account = "123456789012";
  bucket.region = "eu-west-1";
  Target one;
  one.id = "mine";
  auto event = put("a b/\xff");
  event.version = "v1";
  const auto text =
      record_of(event, one, bucket, {"AWS:AIDA", "127.0.0.1", "REQ"}, 0x1234, from_millis(1'700'000'000'500));
  const auto record = Document::parse(text);
  EXPECT_EQ(record.at("eventTime"), "2023-11-14T22:13:20.500Z");
  EXPECT_EQ(record.at("awsRegion"), "eu-west-1");
  EXPECT_EQ(record.at("s3").at("bucket").at("arn"), "arn:aws:s3:::b");
  const Document object = {{"key", "a+b/%FF"},
                           {"size", 3},
                           {"eTag", "etag"},
                           {"versionId", "v1"},
                           {"sequencer", "000000000000001234"}};
  EXPECT_EQ(record.at("s3").at("object"), object);
  event.removed = true;
  const auto gone = Document::parse(record_of(event, one, bucket, {}, 1, {}));
  EXPECT_FALSE(gone.at("s3").at("object").contains("size"));
}

}  // namespace
}  // namespace sagelet::s3::notifications
