#include "server/services/s3/lifecycle/worker.hpp"

#include "server/services/s3/fixture_for_tests.hpp"
#include "server/services/s3/lifecycle/carry_out.hpp"

namespace sagelet::s3::lifecycle {
namespace {

constexpr std::int64_t kDay = 86'400'000;

class LifecycleTest : public S3Test {
 protected:
  /// The bucket's rules, without the service's own worker.
  void rules(Document given, const std::string& bucket = "bucket") {
    for (auto& rule : given) {
      rule["Status"] = "Enabled";
      rule.emplace("Prefix", "");
    }
    const auto json = Document{{"Rules", std::move(given)}}.dump();
    ASSERT_TRUE(store_->ledger().commit_and_wait([&](Connection& db) -> Status {
      TRY(const auto found, storage::find_bucket(db, bucket));
      return storage::put_setting(db, found->id, kSetting, json);
    }));
  }
  void rule(Document one, const std::string& bucket = "bucket") {
    rules(Document::array({std::move(one)}), bucket);
  }
  void run_after(std::int64_t days) {
    clock.time += std::chrono::milliseconds(days * kDay);
    run();
  }
  void run() {
    const auto ran = worker().run_once();
    ASSERT_TRUE(ran) << ran.error().message();
  }
  std::vector<std::string> listed() { return keys(call("ListObjectsV2", {{"Bucket", "bucket"}})); }
  void enable_versions() {
    call("PutBucketVersioning", {{"Bucket", "bucket"}, {"VersioningConfiguration", {{"Status", "Enabled"}}}});
  }
  /// "k", "k:latest", "k:marker", ... as ListObjectVersions has them.
  std::vector<std::string> versions(const std::string& bucket = "bucket") {
    const auto page = call("ListObjectVersions", {{"Bucket", bucket}}).fields;
    std::vector<std::string> all;
    for (const char* list : {"Versions", "DeleteMarkers"})
      for (const auto& one : page.at(list))
        all.push_back(one.at("Key").get<std::string>() + (list[0] == 'D' ? ":marker" : "") +
                      (one.at("IsLatest") ? ":latest" : ""));
    return all;
  }

  Worker& worker() { return *worker_; }
  Surroundings around() { return {*store_, *outbox_, names_, {}, never_}; }
  storage::BucketSetting the_setting() {
    std::vector<storage::BucketSetting> all;
    EXPECT_TRUE(store_->ledger().read([&](Connection& db) -> Status {
      TRY(all, storage::settings_of_kind(db, kSetting));
      return {};
    }));
    return all.at(0);
  }
  /// What the rules want now, not yet done.
  std::vector<Action> decided(const storage::BucketSetting& setting) {
    std::vector<storage::AgingVersion> rows;
    EXPECT_TRUE(store_->ledger().read([&](Connection& db) -> Status {
      TRY(rows, storage::aging_versions(db, setting.bucket.id, {}, 100));
      return {};
    }));
    const auto parsed = rules_from(setting.value);
    Judge judge(parsed, {}, clock.time);
    for (const auto& row : rows) judge.look(row);
    judge.end();
    return judge.take();
  }

 private:
  void SetUp() override {
    S3Test::SetUp();
    outbox_ = std::make_unique<notifications::Outbox>(store_->ledger(), clock, "");
    worker_ = std::make_unique<Worker>(*store_, *outbox_, clock, names_, Calendar{});
  }
  void TearDown() override {
    worker_.reset();
    outbox_.reset();
    S3Test::TearDown();
  }

  RandomIds names_;
  std::atomic<bool> never_{false};
  std::unique_ptr<notifications::Outbox> outbox_;
  std::unique_ptr<Worker> worker_;
};

INSTANTIATE_TEST_SUITE_P(EachDurability, LifecycleTest, testing::Values(storage::Durability::kProcess));

TEST_P(LifecycleTest, WhatIsOldEnoughGoesAndTheRestStays) {
  put("logs/old", "x");
  put("keep/old", "x");
  clock.time += std::chrono::milliseconds(kDay);
  put("logs/new", "x");
  rule({{"Prefix", "logs/"}, {"Expiration", {{"Days", 2}}}});
  run();
  EXPECT_EQ(listed().size(), 3u);
  run_after(2);
  EXPECT_THAT(listed(), testing::ElementsAre("keep/old", "logs/new"));
  run_after(1);
  EXPECT_THAT(listed(), testing::ElementsAre("keep/old"));
}

TEST_P(LifecycleTest, InAVersionedBucketAnObjectIsHiddenOnce) {
  enable_versions();
  put("k", "x");
  rule({{"Expiration", {{"Days", 1}}}});
  run_after(2);
  run();
  EXPECT_THAT(versions(), testing::ElementsAre("k", "k:marker:latest"));
  EXPECT_EQ(get("k").code, "NoSuchKey");
}

TEST_P(LifecycleTest, OlderVersionsGoAndSoManyNewerStay) {
  enable_versions();
  for (const char* body : {"1", "2", "3", "4", "5"}) put("k", body);
  rule({{"NoncurrentVersionExpiration", {{"NoncurrentDays", 1}, {"NewerNoncurrentVersions", 2}}}});
  run_after(2);
  EXPECT_THAT(versions(), testing::ElementsAre("k:latest", "k", "k"));
  EXPECT_EQ(get("k").body, "5");
}

TEST_P(LifecycleTest, AMarkerGoesAfterTheLastVersionThatItHid) {
  enable_versions();
  put("k", "x");
  call("DeleteObject", {{"Bucket", "bucket"}, {"Key", "k"}});
  rules({{{"Expiration", {{"ExpiredObjectDeleteMarker", true}}}},
         {{"NoncurrentVersionExpiration", {{"NoncurrentDays", 1}}}}});
  run();
  EXPECT_THAT(versions(), testing::ElementsAre("k", "k:marker:latest"));
  run_after(2);
  EXPECT_THAT(versions(), testing::ElementsAre("k:marker:latest"));
  run();
  EXPECT_TRUE(versions().empty());
}

TEST_P(LifecycleTest, ALockedVersionStays) {
  call("CreateBucket", {{"Bucket", "locked"}, {"ObjectLockEnabledForBucket", true}});
  const auto until = to_epoch_seconds(clock.time) + 10 * 86'400.0;
  const Document name = {{"Bucket", "locked"}, {"Key", "k"}};
  Document lock = name;
  lock.update({{"ObjectLockMode", "GOVERNANCE"}, {"ObjectLockRetainUntilDate", until}});
  call("PutObject", lock, "locked");
  call("PutObject", name, "free");
  call("PutObject", name, "newest");
  rule({{"NoncurrentVersionExpiration", {{"NoncurrentDays", 1}}}}, "locked");
  run_after(5);
  EXPECT_THAT(versions("locked"), testing::ElementsAre("k:latest", "k"));
  run_after(6);
  EXPECT_THAT(versions("locked"), testing::ElementsAre("k:latest"));
}

TEST_P(LifecycleTest, UnfinishedUploadsAreAborted) {
  const auto start = [&](const char* key) {
    return call("CreateMultipartUpload", {{"Bucket", "bucket"}, {"Key", key}}).fields.at("UploadId");
  };
  const auto old = start("tmp/a");
  start("other");
  EXPECT_EQ(call("UploadPart", {{"Bucket", "bucket"}, {"Key", "tmp/a"}, {"UploadId", old}, {"PartNumber", 1}},
                 kLarge)
                .code,
            "");
  rule({{"Prefix", "tmp/"}, {"AbortIncompleteMultipartUpload", {{"DaysAfterInitiation", 1}}}});
  run_after(2);
  const auto left = call("ListMultipartUploads", {{"Bucket", "bucket"}}).fields.at("Uploads");
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].at("Key"), "other");
}

TEST_P(LifecycleTest, AMoveChangesTheStorageClassAlone) {
  const std::string body(200'000, 'b');
  const auto before = put("k", body).fields;
  rule({{"Transitions", {{{"Days", 30}, {"StorageClass", "STANDARD_IA"}}}}});
  run_after(31);
  const auto after = get("k");
  EXPECT_EQ(after.fields.at("StorageClass"), "STANDARD_IA");
  EXPECT_EQ(after.fields.at("ETag"), before.at("ETag"));
  EXPECT_EQ(after.body, body);
}

TEST_P(LifecycleTest, ManyGoInOnePass) {
  for (int i = 0; i < 2'300; ++i) put("k" + std::to_string(i), "x");
  put("l", "x");
  rule({{"Prefix", "k"}, {"Expiration", {{"Days", 1}}}});
  run_after(2);
  EXPECT_THAT(listed(), testing::ElementsAre("l"));
}

TEST_P(LifecycleTest, WhatChangedAfterItWasDecidedIsLeftAlone) {
  put("same", "x");
  put("overwritten", "x");
  put("tagged", "x");
  rule({{"Expiration", {{"Days", 1}}}});
  const auto setting = the_setting();
  clock.time += std::chrono::milliseconds(2 * kDay);
  auto wanted = decided(setting);
  ASSERT_EQ(wanted.size(), 3u);
  put("overwritten", "new");
  const Document tags = {{"TagSet", Document::array({{{"Key", "k"}, {"Value", "v"}}})}};
  call("PutObjectTagging", {{"Bucket", "bucket"}, {"Key", "tagged"}, {"Tagging", tags}});
  ASSERT_TRUE(carry_out(around(), setting, clock.time, wanted));
  EXPECT_THAT(listed(), testing::ElementsAre("overwritten", "tagged"));
}

TEST_P(LifecycleTest, AVersionThatBecameTheNewestAgainIsLeftAlone) {
  enable_versions();
  put("k", "1");
  const auto second = put("k", "2").fields.at("VersionId");
  rule({{"NoncurrentVersionExpiration", {{"NoncurrentDays", 1}}}});
  const auto setting = the_setting();
  clock.time += std::chrono::milliseconds(2 * kDay);
  auto wanted = decided(setting);
  ASSERT_EQ(wanted.size(), 1u);
  call("DeleteObject", {{"Bucket", "bucket"}, {"Key", "k"}, {"VersionId", second}});
  ASSERT_TRUE(carry_out(around(), setting, clock.time, wanted));
  EXPECT_EQ(get("k").body, "1");
}

TEST_P(LifecycleTest, RulesThatAreGoneDoNothingMore) {
  put("k", "x");
  rule({{"Expiration", {{"Days", 1}}}});
  const auto setting = the_setting();
  clock.time += std::chrono::milliseconds(2 * kDay);
  auto wanted = decided(setting);
  call("DeleteBucketLifecycle", {{"Bucket", "bucket"}});
  const auto done = carry_out(around(), setting, clock.time, wanted);
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().is(ErrorKind::kCancelled));
  EXPECT_THAT(listed(), testing::ElementsAre("k"));
}

TEST_P(LifecycleTest, WithoutRulesNothingIsLookedAt) {
  put("k", "x");
  const auto ran = worker().run_once();
  ASSERT_TRUE(ran);
  EXPECT_FALSE(*ran);
}

TEST_P(LifecycleTest, AnswersTellWhenAnObjectExpires) {
  const Document one = {{"ID", "r"}, {"Status", "Enabled"}, {"Prefix", "a"}, {"Expiration", {{"Days", 1}}}};
  const Document aborts = {{"ID", "u"},
                           {"Status", "Enabled"},
                           {"Prefix", "a"},
                           {"AbortIncompleteMultipartUpload", {{"DaysAfterInitiation", 1}}}};
  EXPECT_EQ(call("PutBucketLifecycleConfiguration",
                 {{"Bucket", "bucket"}, {"LifecycleConfiguration", {{"Rules", {one, aborts}}}}})
                .code,
            "");
  const std::string expected = "expiry-date=\"Thu, 16 Nov 2023 00:00:00 GMT\", rule-id=\"r\"";
  EXPECT_EQ(put("a", "x").fields.at("Expiration"), expected);
  EXPECT_EQ(get("a").fields.at("Expiration"), expected);
  EXPECT_EQ(call("HeadObject", {{"Bucket", "bucket"}, {"Key", "a"}}).fields.at("Expiration"), expected);
  EXPECT_FALSE(put("b", "x").fields.contains("Expiration"));
  const auto upload = call("CreateMultipartUpload", {{"Bucket", "bucket"}, {"Key", "a"}}).fields;
  EXPECT_EQ(upload.at("AbortRuleId"), "u");
  EXPECT_EQ(upload.at("AbortDate"), 1'700'092'800.0);
  const auto shown = call("GetBucketLifecycleConfiguration", {{"Bucket", "bucket"}}).fields;
  EXPECT_EQ(shown.at("Rules"), Document::array({one, aborts}));
  EXPECT_EQ(call("DeleteBucketLifecycle", {{"Bucket", "bucket"}}).code, "");
  EXPECT_EQ(call("GetBucketLifecycleConfiguration", {{"Bucket", "bucket"}}).code,
            "NoSuchLifecycleConfiguration");
  EXPECT_FALSE(get("a").fields.contains("Expiration"));
}

}  // namespace
}  // namespace sagelet::s3::lifecycle
