#include "server/services/s3/access/policy.hpp"

#include <gtest/gtest.h>

#include <map>

#include "nlohmann/json.hpp"
#include "server/services/s3/names.hpp"

namespace sagelet::s3 {
namespace {

using Values = std::map<std::string, std::vector<std::string>, std::less<>>;

constexpr const char* kMine = "111111111111";
constexpr const char* kOther = "222222222222";

/// A statement that allows everybody to read; `changes` replaces or (null) removes members.
Document statement(const Document& changes = Document::object()) {
  Document made = {{"Effect", "Allow"},
                   {"Principal", "*"},
                   {"Action", "s3:GetObject"},
                   {"Resource", "arn:aws:s3:::bucket/*"}};
  made.merge_patch(changes);
  return made;
}

std::string policy_of(std::vector<Document> statements, const char* version = "2012-10-17") {
  return Document{{"Version", version}, {"Statement", std::move(statements)}}.dump();
}

Policy parsed(const std::string& text) {
  auto policy = Policy::parse(text, "bucket");
  EXPECT_TRUE(policy) << policy.error().message << "\n" << text;
  return policy ? std::move(*policy) : Policy();
}

std::string refusal(const std::string& text) {
  const auto policy = Policy::parse(text, "bucket");
  if (policy) return "";
  EXPECT_EQ(policy.error().code, "MalformedPolicy");
  return policy.error().message;
}

std::string refusal(const Document& changes) {
  return refusal(policy_of({statement(changes)}));
}

PolicyRequest request(Values values = {}) {
  PolicyRequest made{"s3:GetObject",
                     "arn:aws:s3:::bucket/dir/key",
                     false,
                     kOther,
                     "arn:aws:sts::222222222222:assumed-role/Reader/session",
                     {}};
  made.value = [values = std::move(values)](std::string_view key) {
    const auto found = values.find(key);
    return found == values.end() ? std::vector<std::string>() : found->second;
  };
  return made;
}

Verdict judged(const Document& changes, const PolicyRequest& asked = request()) {
  return parsed(policy_of({statement(changes)})).judge(asked);
}

/// Does the one condition hold for a request with these values?
bool holds(const char* name, const char* key, const Document& wanted, Values values = {}) {
  return judged({{"Condition", {{name, {{key, wanted}}}}}}, request(std::move(values))) == Verdict::kAllow;
}

TEST(Policy, AStatementThatDeniesWins) {
  const auto both = parsed(
      policy_of({statement({{"Effect", "Deny"}, {"Resource", "arn:aws:s3:::bucket/dir/*"}}), statement()}));
  EXPECT_EQ(both.judge(request()), Verdict::kDeny);
  auto elsewhere = request();
  elsewhere.resource = "arn:aws:s3:::bucket/key";
  EXPECT_EQ(both.judge(elsewhere), Verdict::kAllow);
  elsewhere.action = "s3:PutObject";
  EXPECT_EQ(both.judge(elsewhere), Verdict::kSilent);
  EXPECT_EQ(parsed(policy_of({statement(), statement({{"Effect", "Deny"}})})).judge(request()),
            Verdict::kDeny);
}

TEST(Policy, ActionsHaveWildcardsAndNoCase) {
  EXPECT_EQ(judged({{"Action", "S3:getobject"}}), Verdict::kAllow);
  EXPECT_EQ(judged({{"Action", {"s3:Put*", "s3:Get*"}}}), Verdict::kAllow);
  EXPECT_EQ(judged({{"Action", "*"}}), Verdict::kAllow);
  EXPECT_EQ(judged({{"Action", "s3:GetObject?*"}}), Verdict::kSilent);
  EXPECT_EQ(judged({{"Action", nullptr}, {"NotAction", "s3:Put*"}}), Verdict::kAllow);
  EXPECT_EQ(judged({{"Action", nullptr}, {"NotAction", {"s3:Put*", "s3:Get*"}}}), Verdict::kSilent);
}

TEST(Policy, ResourcesKeepTheirCase) {
  EXPECT_EQ(judged({{"Resource", "arn:aws:s3:::bucket/dir/k?y"}}), Verdict::kAllow);
  EXPECT_EQ(judged({{"Resource", "arn:aws:s3:::bucket/Dir/*"}}), Verdict::kSilent);
  EXPECT_EQ(judged({{"Resource", "*"}}), Verdict::kAllow);
  EXPECT_EQ(judged({{"Resource", "arn:aws:s3:::*"}}), Verdict::kAllow);
  EXPECT_EQ(judged({{"Resource", nullptr}, {"NotResource", "arn:aws:s3:::bucket/dir/*"}}), Verdict::kSilent);
  EXPECT_EQ(judged({{"Resource", nullptr}, {"NotResource", "arn:aws:s3:::bucket/other/*"}}), Verdict::kAllow);
}

TEST(Policy, PrincipalsAreAccountsUsersRolesAndEverybody) {
  const auto by = [](Document principal) {
    return judged({{"Principal", std::move(principal)}}) == Verdict::kAllow;
  };
  EXPECT_TRUE(by({{"AWS", "*"}}));
  EXPECT_TRUE(by({{"AWS", kOther}}));
  EXPECT_TRUE(by({{"AWS", "arn:aws:iam::222222222222:root"}}));
  EXPECT_TRUE(by({{"AWS", {"arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:role/Reader"}}}));
  EXPECT_TRUE(by({{"AWS", "arn:aws:iam::222222222222:role/with/path/Reader"}}));
  EXPECT_TRUE(by({{"AWS", "arn:aws:sts::222222222222:assumed-role/Reader/session"}}));
  EXPECT_TRUE(by({{"CanonicalUser", canonical_user(kOther)}}));
  EXPECT_FALSE(by({{"AWS", kMine}}));
  EXPECT_FALSE(by({{"AWS", "arn:aws:iam::222222222222:role/Read"}}));
  EXPECT_FALSE(by({{"AWS", "arn:aws:iam::111111111111:role/Reader"}}));
  EXPECT_FALSE(by({{"AWS", "arn:aws:sts::222222222222:assumed-role/Reader/another"}}));
  EXPECT_FALSE(by({{"CanonicalUser", canonical_user(kMine)}}));
  EXPECT_FALSE(by({{"Service", "logging.s3.amazonaws.com"}}));
}

TEST(Policy, NobodyIsOnlyPartOfEverybody) {
  auto nobody = request();
  nobody.anonymous = true;
  nobody.account = nobody.arn = "";
  EXPECT_EQ(judged(Document::object(), nobody), Verdict::kAllow);
  EXPECT_EQ(judged({{"Principal", {{"AWS", kOther}}}}, nobody), Verdict::kSilent);
  EXPECT_EQ(judged({{"Effect", "Deny"}, {"Principal", nullptr}, {"NotPrincipal", {{"AWS", kOther}}}}, nobody),
            Verdict::kDeny);
  EXPECT_EQ(judged({{"Effect", "Deny"}, {"Principal", nullptr}, {"NotPrincipal", {{"AWS", kOther}}}}),
            Verdict::kSilent);
}

TEST(Policy, VariablesAreReplacedInNewPoliciesOnly) {
  const auto me = request({{"aws:username", {"dir"}}});
  const auto homes = statement({{"Resource", "arn:aws:s3:::bucket/${aws:username}/*"}});
  EXPECT_EQ(parsed(policy_of({homes})).judge(me), Verdict::kAllow);
  EXPECT_EQ(parsed(policy_of({homes})).judge(request()), Verdict::kSilent);
  EXPECT_EQ(parsed(policy_of({homes}, "2008-10-17")).judge(me), Verdict::kSilent);
  EXPECT_TRUE(holds("StringEquals", "s3:prefix", "${aws:username}/x",
                    {{"s3:prefix", {"dir/x"}}, {"aws:username", {"dir"}}}));
}

TEST(PolicyConditions, StringsAreComparedInFiveWays) {
  const Values referer{{"aws:referer", {"http://a.example/x"}}};
  EXPECT_TRUE(holds("StringEquals", "aws:Referer", {"no", "http://a.example/x"}, referer));
  EXPECT_FALSE(holds("StringEquals", "aws:Referer", "http://a.example/*", referer));
  EXPECT_FALSE(holds("StringEquals", "aws:Referer", "HTTP://a.example/x", referer));
  EXPECT_TRUE(holds("StringEqualsIgnoreCase", "aws:Referer", "HTTP://a.example/x", referer));
  EXPECT_TRUE(holds("StringLike", "aws:Referer", "http://a.example/*", referer));
  EXPECT_FALSE(holds("StringNotLike", "aws:Referer", "http://a.example/*", referer));
  EXPECT_TRUE(holds("StringNotEquals", "aws:Referer", "http://a.example/*", referer));
  EXPECT_FALSE(holds("StringNotEqualsIgnoreCase", "aws:Referer", "HTTP://a.example/x", referer));
}

TEST(PolicyConditions, AMissingKeyFailsUnlessNegatedOrIfExists) {
  EXPECT_FALSE(holds("StringEquals", "aws:Referer", "x"));
  EXPECT_TRUE(holds("StringNotEquals", "aws:Referer", "x"));
  EXPECT_TRUE(holds("StringEqualsIfExists", "aws:Referer", "x"));
  EXPECT_FALSE(holds("StringEqualsIfExists", "aws:Referer", "x", {{"aws:referer", {"y"}}}));
  EXPECT_FALSE(holds("NumericLessThan", "s3:max-keys", "10"));
  EXPECT_TRUE(holds("Null", "aws:Referer", "true"));
  EXPECT_FALSE(holds("Null", "aws:Referer", false));
  EXPECT_TRUE(holds("Null", "aws:Referer", "false", {{"aws:referer", {"y"}}}));
}

TEST(PolicyConditions, KeysOfManyValuesAreForAllOrForAny) {
  const Values tags{{"s3:requestobjecttagkeys", {"a", "b"}}};
  const Document wanted = {"a", "c"};
  EXPECT_TRUE(holds("ForAnyValue:StringEquals", "s3:RequestObjectTagKeys", wanted, tags));
  EXPECT_FALSE(holds("ForAllValues:StringEquals", "s3:RequestObjectTagKeys", wanted, tags));
  EXPECT_TRUE(holds("ForAllValues:StringLike", "s3:RequestObjectTagKeys", {"?"}, tags));
  EXPECT_TRUE(holds("ForAnyValue:StringNotEquals", "s3:RequestObjectTagKeys", wanted, tags));
  EXPECT_FALSE(holds("ForAllValues:StringNotEquals", "s3:RequestObjectTagKeys", wanted, tags));
  EXPECT_TRUE(holds("ForAllValues:StringEquals", "s3:RequestObjectTagKeys", wanted));
  EXPECT_FALSE(holds("ForAnyValue:StringEquals", "s3:RequestObjectTagKeys", wanted));
}

TEST(PolicyConditions, NumbersAndDatesAreOrdered) {
  const Values keys{{"s3:max-keys", {"10"}}, {"aws:currenttime", {"2026-01-02T03:04:05Z"}}};
  EXPECT_TRUE(holds("NumericLessThanEquals", "s3:max-keys", 10, keys));
  EXPECT_FALSE(holds("NumericLessThan", "s3:max-keys", "10", keys));
  EXPECT_TRUE(holds("NumericGreaterThan", "s3:max-keys", "9", keys));
  EXPECT_TRUE(holds("NumericEquals", "s3:max-keys", "10.0", keys));
  EXPECT_FALSE(holds("NumericEquals", "s3:max-keys", "ten", keys));
  EXPECT_TRUE(holds("DateGreaterThan", "aws:CurrentTime", "2026-01-01", keys));
  EXPECT_FALSE(holds("DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z", keys));
  EXPECT_TRUE(holds("DateEquals", "aws:CurrentTime", "1767323045", keys));
}

TEST(PolicyConditions, AddressesLieInRanges) {
  const auto from = [](const char* address, const Document& ranges) {
    return holds("IpAddress", "aws:SourceIp", ranges, {{"aws:sourceip", {address}}});
  };
  EXPECT_TRUE(from("10.1.2.3", "10.0.0.0/8"));
  EXPECT_FALSE(from("11.1.2.3", "10.0.0.0/8"));
  EXPECT_TRUE(from("192.0.2.77", {"10.0.0.0/8", "192.0.2.64/27"}));
  EXPECT_FALSE(from("192.0.2.97", "192.0.2.64/27"));
  EXPECT_TRUE(from("::ffff:10.1.2.3", "10.1.2.3"));
  EXPECT_TRUE(from("2001:db8::1", "2001:db8::/32"));
  EXPECT_FALSE(from("10.1.2.3", "::/0"));
  EXPECT_TRUE(holds("NotIpAddress", "aws:SourceIp", "10.0.0.0/8", {{"aws:sourceip", {"127.0.0.1"}}}));
}

TEST(PolicyConditions, ArnsAreComparedPieceByPiece) {
  const Values caller{{"aws:principalarn", {"arn:aws:iam::222222222222:role/Reader"}}};
  EXPECT_TRUE(holds("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/Read*", caller));
  EXPECT_TRUE(holds("ArnEquals", "aws:PrincipalArn", "arn:*:iam::222222222222:*", caller));
  EXPECT_FALSE(holds("ArnLike", "aws:PrincipalArn", "arn:*:role/Reader", caller));
  EXPECT_FALSE(holds("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*", caller));
}

TEST(PolicyConditions, BooleansHaveNoCase) {
  EXPECT_TRUE(holds("Bool", "aws:SecureTransport", "False", {{"aws:securetransport", {"false"}}}));
  EXPECT_FALSE(holds("Bool", "aws:SecureTransport", true, {{"aws:securetransport", {"false"}}}));
}

TEST(Policy, IsPublicUnlessCallersAreNamed) {
  const auto is_public = [](const Document& changes) {
    return parsed(policy_of({statement(changes)})).is_public();
  };
  const auto under = [&](const char* name, const char* key, const Document& wanted) {
    return is_public({{"Condition", {{name, {{key, wanted}}}}}});
  };
  EXPECT_TRUE(is_public(Document::object()));
  EXPECT_FALSE(is_public({{"Effect", "Deny"}}));
  EXPECT_FALSE(is_public({{"Principal", {{"AWS", kOther}}}}));
  EXPECT_TRUE(is_public({{"Principal", {{"AWS", {kOther, "*"}}}}}));
  EXPECT_FALSE(under("IpAddress", "aws:SourceIp", "10.0.0.0/32"));
  EXPECT_TRUE(under("IpAddress", "aws:SourceIp", "0.0.0.0/1"));
  EXPECT_TRUE(under("NotIpAddress", "aws:SourceIp", "10.0.0.0/8"));
  EXPECT_FALSE(under("StringEquals", "aws:SourceVpc", "vpc-91237329"));
  EXPECT_TRUE(under("StringLike", "aws:SourceVpc", "vpc-*"));
  EXPECT_TRUE(under("StringEquals", "aws:PrincipalOrgID", "${aws:username}"));
  EXPECT_TRUE(under("StringEqualsIfExists", "aws:SourceVpc", "vpc-91237329"));
  EXPECT_TRUE(under("StringEquals", "aws:Referer", "http://a.example/"));
}

TEST(Policy, RefusesWhatIsNoPolicyInWordsOfAws) {
  EXPECT_EQ(refusal(std::string("[]")), "Policies must be valid JSON and the first byte must be '{'");
  EXPECT_EQ(refusal(std::string("{")), "Policies must be valid JSON and the first byte must be '{'");
  EXPECT_EQ(refusal(std::string("{}")), "Missing required field Statement");
  EXPECT_EQ(refusal(policy_of({statement()}, "2012-10-18")),
            "The policy must contain a valid version string");
  EXPECT_EQ(refusal(policy_of({})), "Could not parse the policy: Statement is empty!");
  EXPECT_EQ(refusal(policy_of({statement({{"Sid", "a"}}), statement({{"Sid", "a"}})})),
            "Statement IDs (SID) in a single policy must be unique.");
  EXPECT_EQ(refusal(policy_of({statement()}) + std::string(20 * 1024, ' ')),
            "Policy exceeds the maximum allowed document size.");
  EXPECT_EQ(refusal({{"Conditions", "x"}}), "Unknown field Conditions");
  EXPECT_EQ(refusal({{"Effect", nullptr}}), "Missing required field Effect");
  EXPECT_EQ(refusal({{"Effect", "allow"}}), "Invalid effect: allow");
  EXPECT_EQ(refusal({{"Principal", nullptr}}), "Missing required field Principal");
  EXPECT_EQ(refusal({{"Action", nullptr}}), "Missing required field Action");
  EXPECT_EQ(refusal({{"Resource", nullptr}}), "Missing required field Resource");
  EXPECT_EQ(refusal({{"Action", 7}}), "Invalid policy syntax.");
  EXPECT_EQ(refusal({{"NotResource", "*"}}), "Statement cannot contain both Resource and NotResource");
}

TEST(Policy, RefusesStatementsThatCannotApply) {
  EXPECT_EQ(refusal({{"Action", "s3:GetObjects"}}), "Policy has invalid action");
  EXPECT_EQ(refusal({{"Action", "ec2:*"}}), "Policy has invalid action");
  EXPECT_EQ(refusal({{"Resource", "arn:aws:s3:::other/*"}}), "Policy has invalid resource");
  EXPECT_EQ(refusal({{"Resource", "bucket/*"}}), "Policy has invalid resource");
  EXPECT_EQ(refusal({{"Resource", "arn:aws:s3:::bucket"}}),
            "Action does not apply to any resource(s) in statement");
  EXPECT_EQ(refusal({{"Action", {"s3:ListBucket", "s3:GetObject"}}}),
            "Action does not apply to any resource(s) in statement");
  EXPECT_EQ(refusal({{"Action", {"s3:List*", "s3:GetObject"}}, {"Resource", "arn:aws:s3:::buck*"}}), "");
}

TEST(Policy, RefusesPrincipalsThatNobodyIs) {
  for (const Document& principal :
       {Document("someone"), Document{{"AWS", Document::array()}}, Document{{"Aws", "*"}}})
    EXPECT_NE(refusal({{"Principal", principal}}), "") << principal;
  for (const char* name : {"", "1", "arn:aws:iam::222222222222:user/*", "arn:aws:iam::*:root",
                           "arn:aws:s3:::bucket", "arn:aws:iam::222222222222:role/"})
    EXPECT_EQ(refusal({{"Principal", {{"AWS", name}}}}), "Invalid principal in policy") << name;
  EXPECT_EQ(refusal({{"Principal", nullptr}, {"NotPrincipal", {{"AWS", kOther}}}}),
            "Allow with NotPrincipal is not allowed.");
}

TEST(Policy, RefusesUnknownConditions) {
  const auto under = [](const char* name, const char* key, Document wanted) {
    return refusal({{"Condition", {{name, {{key, std::move(wanted)}}}}}});
  };
  EXPECT_EQ(under("StringSame", "aws:Referer", "x"), "Invalid Condition type : StringSame");
  EXPECT_EQ(under("NullIfExists", "aws:Referer", "true"), "Invalid Condition type : NullIfExists");
  EXPECT_EQ(under("StringEquals", "s3:nothing", "x"), "Policy has an invalid condition key");
  EXPECT_EQ(under("StringEquals", "referer", "x"), "Policy has an invalid condition key");
  EXPECT_EQ(under("StringEquals", "aws:Referer", Document::object()), "Invalid policy syntax.");
  EXPECT_EQ(under("StringEquals", "S3:ExistingObjectTag/Team", "x"), "");
}

}  // namespace
}  // namespace sagelet::s3
