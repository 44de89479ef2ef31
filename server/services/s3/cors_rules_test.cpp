#include "server/services/s3/cors_rules.hpp"

#include <gtest/gtest.h>

#include "nlohmann/json.hpp"

namespace sagelet::s3 {
namespace {

Document one_rule(Document more = Document::object()) {
  Document rule = {{"AllowedMethods", {"GET", "PUT"}}, {"AllowedOrigins", {"http://*.example.com", "exact"}}};
  rule.update(more);
  return {{"CORSRules", {rule}}};
}

bool allowed(const Document& configuration, CorsQuestion question) {
  return find_rule(cors_rules(configuration), question) != nullptr;
}

CorsQuestion asked(std::string_view origin, std::string_view method = "GET",
                   std::vector<std::string> headers = {}) {
  return {"bucket", origin, method, std::move(headers), true};
}

std::string refusal(const Document& configuration) {
  const auto checked = check_cors(configuration);
  return checked ? "" : checked.error().code + ": " + checked.error().message;
}

TEST(CorsRules, OneStarInAnOriginStandsForAnyRun) {
  EXPECT_TRUE(allowed(one_rule(), asked("http://a.example.com")));
  EXPECT_TRUE(allowed(one_rule(), asked("http://.example.com")));
  EXPECT_FALSE(allowed(one_rule(), asked("http://example.com")));
  EXPECT_FALSE(allowed(one_rule(), asked("http://a.example.com.evil")));
  EXPECT_FALSE(allowed(one_rule(), asked("https://a.example.com")));
  EXPECT_TRUE(allowed(one_rule(), asked("exact")));
  EXPECT_FALSE(allowed(one_rule(), asked("Exact")));
  const auto overlapping = one_rule({{"AllowedOrigins", {"ab*ba"}}});
  EXPECT_FALSE(allowed(overlapping, asked("aba"))) << "start and end are different pieces";
  EXPECT_TRUE(allowed(overlapping, asked("abba")));
}

TEST(CorsRules, TheMethodMustBeOneOfTheRule) {
  EXPECT_TRUE(allowed(one_rule(), asked("exact", "PUT")));
  EXPECT_FALSE(allowed(one_rule(), asked("exact", "DELETE")));
}

TEST(CorsRules, EveryHeaderAskedForMustBeAllowed) {
  const auto rule = one_rule({{"AllowedHeaders", {"x-amz-*", "Content-Type"}}});
  EXPECT_TRUE(allowed(rule, asked("exact", "PUT", {"X-Amz-Date", "content-type"})));
  EXPECT_FALSE(allowed(rule, asked("exact", "PUT", {"X-Amz-Date", "Range"})));
  EXPECT_FALSE(allowed(one_rule(), asked("exact", "PUT", {"Range"})));
  EXPECT_TRUE(allowed(one_rule({{"AllowedHeaders", {"*"}}}), asked("exact", "PUT", {"Range"})));
}

TEST(CorsRules, AnAnswerNamesTheOriginUnlessAnybodyMayAsk) {
  auto rules =
      cors_rules(one_rule({{"ExposeHeaders", {"ETag", "x-amz-request-id"}}, {"MaxAgeSeconds", 3000}}));
  auto headers = rules[0].answer(asked("exact", "PUT", {"range"}));
  EXPECT_EQ(headers.get("access-control-allow-origin"), "exact");
  EXPECT_EQ(headers.get("access-control-allow-credentials"), "true");
  EXPECT_EQ(headers.get("access-control-allow-methods"), "GET, PUT");
  EXPECT_EQ(headers.get("access-control-allow-headers"), "range");
  EXPECT_EQ(headers.get("access-control-expose-headers"), "ETag, x-amz-request-id");
  EXPECT_EQ(headers.get("access-control-max-age"), "3000");
  EXPECT_EQ(headers.get("vary"), "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
  rules = cors_rules(one_rule({{"AllowedOrigins", {"*"}}}));
  headers = rules[0].answer(asked("exact"));
  EXPECT_EQ(headers.get("access-control-allow-origin"), "*");
  EXPECT_FALSE(headers.has("access-control-allow-credentials"));
  EXPECT_FALSE(headers.has("access-control-allow-headers"));
  EXPECT_FALSE(headers.has("access-control-max-age"));
}

TEST(CorsRules, TheFirstRuleThatAllowsItCounts) {
  auto both = one_rule({{"MaxAgeSeconds", 1}});
  both["CORSRules"].push_back({{"AllowedMethods", {"GET"}}, {"AllowedOrigins", {"*"}}, {"MaxAgeSeconds", 2}});
  const auto rules = cors_rules(both);
  EXPECT_EQ(find_rule(rules, asked("exact"))->max_age, 1);
  EXPECT_EQ(find_rule(rules, asked("other"))->max_age, 2);
}

TEST(CorsRules, RefusesWhatAwsRefuses) {
  EXPECT_EQ(refusal(one_rule()), "");
  EXPECT_EQ(refusal(Document::object()).substr(0, 12), "MalformedXML");
  EXPECT_EQ(refusal({{"CORSRules", Document::array()}}).substr(0, 12), "MalformedXML");
  EXPECT_EQ(refusal(one_rule({{"AllowedMethods", Document::array()}})).substr(0, 12), "MalformedXML");
  EXPECT_EQ(refusal(one_rule({{"AllowedMethods", {"PATCH"}}})),
            "InvalidRequest: Found unsupported HTTP method in CORS config. Unsupported method is PATCH");
  EXPECT_EQ(refusal(one_rule({{"AllowedOrigins", {"*.*"}}})),
            "InvalidRequest: AllowedOrigin \"*.*\" can not have more than one wildcard.");
  EXPECT_EQ(refusal(one_rule({{"AllowedHeaders", {"*a*"}}})),
            "InvalidRequest: AllowedHeader \"*a*\" can not have more than one wildcard.");
  EXPECT_EQ(
      refusal(one_rule({{"ExposeHeaders", {"x-*"}}})),
      "InvalidRequest: ExposeHeader \"x-*\" contains wildcard. We currently do not support wildcard for "
      "ExposeHeader.");
  auto many = one_rule();
  for (int i = 0; i < 100; ++i) many["CORSRules"].push_back(many["CORSRules"][0]);
  EXPECT_EQ(refusal(many),
            "InvalidRequest: The number of CORS rules should not exceed allowed limit of 100 rules.");
}

}  // namespace
}  // namespace sagelet::s3
