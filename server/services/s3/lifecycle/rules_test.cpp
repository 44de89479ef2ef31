#include "server/services/s3/lifecycle/rules.hpp"

#include "base/time_text.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "server/services/s3/lifecycle/check.hpp"

namespace sagelet::s3::lifecycle {
namespace {

WallTime at(const char* text) {
  return parse_iso8601(text).value();
}

Rules rules_of(Document rules) {
  return rules_from(Document{{"Rules", std::move(rules)}}.dump());
}
Rules one_rule(Document rule) {
  rule["Status"] = "Enabled";
  rule["ID"] = "r";
  return rules_of(Document::array({std::move(rule)}));
}
const Document kAll = {{"Prefix", ""}};

Subject object(const char* key, std::uint64_t size = 10, storage::Pairs tags = {}) {
  return {key, size, at("2026-01-01T10:00:00Z"), storage::pack(tags), "STANDARD"};
}
bool expires(const Rules& rules, const Subject& subject) {
  return expiration(rules, subject, {}).has_value();
}

std::string refusal(Document rule, bool complete = true) {
  if (complete) {
    if (!rule.contains("Status")) rule["Status"] = "Enabled";
    if (!rule.contains("Filter") && !rule.contains("Prefix")) rule["Filter"] = kAll;
  }
  RandomIds ids;
  const auto made =
      configuration_from({{"LifecycleConfiguration", {{"Rules", Document::array({std::move(rule)})}}}}, ids);
  return made ? "" : made.error().code + ": " + made.error().message;
}

TEST(LifecycleCalendar, ADayEndsAtTheNextMidnight) {
  const Calendar calendar;
  EXPECT_EQ(calendar.due(at("2026-01-01T10:00:00Z"), 1), at("2026-01-03T00:00:00Z"));
  EXPECT_EQ(calendar.due(at("2026-01-01T00:00:00Z"), 1), at("2026-01-02T00:00:00Z"));
  EXPECT_EQ(calendar.next_run(at("2026-01-01T10:00:00Z")), at("2026-01-02T00:00:00Z"));
  EXPECT_EQ(calendar.next_run(at("2026-01-01T00:00:00Z")), at("2026-01-02T00:00:00Z"));
  EXPECT_EQ(calendar.first_run(at("2026-01-01T10:00:00Z")), at("2026-01-02T00:00:00Z"));
}

TEST(LifecycleCalendar, AShorterDayHasEighths) {
  const Calendar calendar{std::chrono::seconds(8)};
  EXPECT_EQ(calendar.due(from_millis(1500), 2), from_millis(18'000));
  EXPECT_EQ(calendar.next_run(from_millis(1500)), from_millis(2000));
  EXPECT_EQ(calendar.first_run(from_millis(1500)), from_millis(3000)) << "a whole eighth for who put them";
}

TEST(LifecycleRules, AFilterHoldsInAllItsParts) {
  const Document days = {{"Days", 1}};
  EXPECT_TRUE(expires(one_rule({{"Expiration", days}, {"Prefix", "logs/"}}), object("logs/a")));
  EXPECT_FALSE(expires(one_rule({{"Expiration", days}, {"Prefix", "logs/"}}), object("other")));
  const auto tagged = one_rule({{"Expiration", days}, {"Filter", {{"Tag", {{"Key", "k"}, {"Value", "v"}}}}}});
  EXPECT_TRUE(expires(tagged, object("a", 1, {{"x", "y"}, {"k", "v"}})));
  EXPECT_FALSE(expires(tagged, object("a", 1, {{"k", "other"}})));
  EXPECT_FALSE(expires(tagged, object("a")));
  const Document both = {{"And",
                          {{"Prefix", "p"},
                           {"Tags", {{{"Key", "k"}, {"Value", "v"}}}},
                           {"ObjectSizeGreaterThan", 10},
                           {"ObjectSizeLessThan", 20}}}};
  const auto joined = one_rule({{"Expiration", days}, {"Filter", both}});
  EXPECT_TRUE(expires(joined, object("p1", 11, {{"k", "v"}})));
  EXPECT_FALSE(expires(joined, object("q1", 11, {{"k", "v"}})));
  EXPECT_FALSE(expires(joined, object("p1", 10, {{"k", "v"}}))) << "greater than, not equal";
  EXPECT_FALSE(expires(joined, object("p1", 20, {{"k", "v"}}))) << "less than, not equal";
  EXPECT_FALSE(expires(joined, object("p1", 11)));
}

TEST(LifecycleRules, TheEarliestRuleIsNamed) {
  auto rules =
      rules_of({{{"ID", "late"}, {"Status", "Enabled"}, {"Prefix", ""}, {"Expiration", {{"Days", 9}}}},
                {{"ID", "off"}, {"Status", "Disabled"}, {"Prefix", ""}, {"Expiration", {{"Days", 1}}}},
                {{"ID", "a b"}, {"Status", "Enabled"}, {"Prefix", ""}, {"Expiration", {{"Days", 2}}}}});
  const auto due = expiration(rules, object("k"), {});
  EXPECT_EQ(expiration_header(*due), "expiry-date=\"Sun, 04 Jan 2026 00:00:00 GMT\", rule-id=\"a%20b\"");
}

TEST(LifecycleRules, AVersionGoesSomeDaysAfterItWasReplaced) {
  const auto rules =
      one_rule({{"Prefix", ""},
                {"NoncurrentVersionExpiration", {{"NoncurrentDays", 2}, {"NewerNoncurrentVersions", 1}}}});
  const auto since = at("2026-02-01T00:00:00Z");
  const auto gone = [&](std::int64_t newer, const char* now) {
    return noncurrent_expires(rules, object("k"), since, newer, at(now), {});
  };
  EXPECT_FALSE(gone(1, "2026-02-02T23:59:59Z"));
  EXPECT_TRUE(gone(1, "2026-02-03T00:00:00Z"));
  EXPECT_FALSE(gone(0, "2026-03-01T00:00:00Z")) << "one newer must stay";
}

TEST(LifecycleRules, AMarkerThatHidesNothingGoes) {
  const auto now = at("2026-01-02T00:00:00Z");
  EXPECT_TRUE(
      marker_expires(one_rule({{"Prefix", ""}, {"Expiration", {{"ExpiredObjectDeleteMarker", true}}}}),
                     object("k", 0), now, {}));
  const auto after_days = one_rule({{"Prefix", ""}, {"Expiration", {{"Days", 1}}}});
  EXPECT_FALSE(marker_expires(after_days, object("k", 0), now, {}));
  EXPECT_TRUE(marker_expires(after_days, object("k", 0), at("2026-01-03T00:00:00Z"), {}));
  const auto sized = one_rule({{"Filter", {{"ObjectSizeLessThan", 5}}}, {"Expiration", {{"Days", 1}}}});
  EXPECT_FALSE(marker_expires(sized, object("k", 0), at("2027-01-01T00:00:00Z"), {}));
}

TEST(LifecycleRules, ThingsMoveToColderClassesOnly) {
  const auto rules = one_rule(
      {{"Prefix", ""},
       {"Transitions",
        {{{"Days", 30}, {"StorageClass", "STANDARD_IA"}}, {{"Days", 90}, {"StorageClass", "GLACIER"}}}}});
  const std::uint64_t large = 1 << 20;
  const auto to = [&](Subject subject, const char* now) {
    return moves_to(rules, subject, std::nullopt, 0, at(now), {});
  };
  EXPECT_EQ(to(object("k", large), "2026-01-20T00:00:00Z"), "");
  EXPECT_EQ(to(object("k", large), "2026-02-10T00:00:00Z"), "STANDARD_IA");
  EXPECT_EQ(to(object("k", large), "2026-06-01T00:00:00Z"), "GLACIER");
  EXPECT_EQ(to(object("k", 1000), "2026-06-01T00:00:00Z"), "") << "small objects stay";
  auto cold = object("k", large);
  cold.storage_class = "DEEP_ARCHIVE";
  EXPECT_EQ(to(cold, "2026-06-01T00:00:00Z"), "");
}

TEST(LifecycleRules, AnUploadIsAbortedSomeDaysAfterItsStart) {
  const auto rules =
      one_rule({{"Prefix", "up"}, {"AbortIncompleteMultipartUpload", {{"DaysAfterInitiation", 3}}}});
  EXPECT_EQ(abortion(rules, "upload", at("2026-01-01T10:00:00Z"), {})->at, at("2026-01-05T00:00:00Z"));
  EXPECT_FALSE(abortion(rules, "other", at("2026-01-01T10:00:00Z"), {}));
}

TEST(LifecycleChecks, WhatAwsTakesIsTaken) {
  for (const Document& rule : std::initializer_list<Document>{
           {{"Expiration", {{"Days", 1}}}},
           {{"Expiration", {{"Date", 86'400.0 * 20'000}}}, {"Prefix", "p"}},
           {{"Expiration", {{"ExpiredObjectDeleteMarker", true}}}, {"Filter", Document::object()}},
           {{"Transitions", {{{"Days", 0}, {"StorageClass", "GLACIER"}}}}},
           {{"NoncurrentVersionExpiration", {{"NoncurrentDays", 1}, {"NewerNoncurrentVersions", 100}}}},
           {{"AbortIncompleteMultipartUpload", {{"DaysAfterInitiation", 7}}}}})
    EXPECT_EQ(refusal(rule), "") << rule;
}

TEST(LifecycleChecks, WhatAwsRefusesIsRefusedInItsWords) {
  const Document days = {{"Days", 1}};
  EXPECT_THAT(refusal({{"Expiration", days}, {"Status", "enabled"}}), testing::StartsWith("MalformedXML"));
  EXPECT_THAT(refusal({{"Expiration", days}, {"Status", "Enabled"}}, false),
              testing::StartsWith("MalformedXML"));
  EXPECT_THAT(refusal({{"Expiration", days}, {"Prefix", ""}, {"Filter", kAll}}),
              testing::StartsWith("MalformedXML"));
  EXPECT_THAT(refusal({{"Expiration", Document::object()}}), testing::StartsWith("MalformedXML"));
  EXPECT_EQ(refusal(Document::object()),
            "InvalidRequest: At least one action needs to be specified in a rule");
  EXPECT_EQ(refusal({{"Expiration", days}, {"ID", std::string(256, 'a')}}),
            "InvalidArgument: ID length should not exceed allowed limit of 255");
  EXPECT_EQ(refusal({{"Expiration", {{"Days", 0}}}}),
            "InvalidArgument: 'Days' for Expiration action must be a positive integer");
  EXPECT_EQ(refusal({{"Expiration", {{"Date", 20'200'101.0}}}}),
            "InvalidArgument: 'Date' must be at midnight GMT");
  EXPECT_THAT(
      refusal({{"Expiration", {{"Days", 5}}}, {"Transitions", {{{"Days", 5}, {"StorageClass", "GLACIER"}}}}}),
      testing::HasSubstr("must be greater than 'Days' in the Transition action"));
  EXPECT_THAT(refusal({{"Transitions", {{{"Days", 5}, {"StorageClass", "STANDARD_IA"}}}}}),
              testing::HasSubstr("greater than or equal to 30"));
  EXPECT_THAT(refusal({{"Transitions", {{{"Days", 5}, {"StorageClass", "TAPE"}}}}}),
              testing::StartsWith("MalformedXML"));
  const Document tag = {{"Tag", {{"Key", "k"}, {"Value", "v"}}}};
  EXPECT_EQ(refusal({{"AbortIncompleteMultipartUpload", {{"DaysAfterInitiation", 7}}}, {"Filter", tag}}),
            "InvalidRequest: AbortIncompleteMultipartUpload cannot be specified with Tags.");
  EXPECT_EQ(refusal({{"Expiration", {{"ExpiredObjectDeleteMarker", true}}}, {"Filter", tag}}),
            "InvalidRequest: ExpiredObjectDeleteMarker cannot be specified with Tags.");
}

TEST(LifecycleChecks, RulesWithoutAnIdGetOneAndNoTwoShareIt) {
  RandomIds ids;
  const auto make = [&](const char* one, const char* two) {
    auto rules = Document::array();
    for (const char* id : {one, two}) {
      Document rule = {{"Status", "Enabled"}, {"Prefix", ""}, {"Expiration", {{"Days", 1}}}};
      if (*id != '\0') rule["ID"] = id;
      rules.push_back(rule);
    }
    return configuration_from({{"LifecycleConfiguration", {{"Rules", rules}}}}, ids);
  };
  const auto made = make("", "");
  ASSERT_TRUE(made);
  EXPECT_NE(made->at("Rules")[0].at("ID"), made->at("Rules")[1].at("ID"));
  EXPECT_EQ(made->at(kLeastMovedMember), "all_storage_classes_128K");
  EXPECT_EQ(make("same", "same").error().code, "InvalidArgument");
}

}  // namespace
}  // namespace sagelet::s3::lifecycle
