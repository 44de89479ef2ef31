#include "server/services/s3/access/policy_facts.hpp"

#include <array>

#include "base/time_text.hpp"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/services/s3/access/policy.hpp"
#include "server/services/s3/tags.hpp"

namespace sagelet::s3 {

namespace {

using storage::Pairs;

struct MemberKey {
  const char* member;
  const char* key;
};

/// Members whose text is a condition's value as it is.
constexpr std::array kTexts{
    MemberKey{"ACL", "s3:x-amz-acl"},
    MemberKey{"Delimiter", "s3:delimiter"},
    MemberKey{"GrantFullControl", "s3:x-amz-grant-full-control"},
    MemberKey{"GrantRead", "s3:x-amz-grant-read"},
    MemberKey{"GrantReadACP", "s3:x-amz-grant-read-acp"},
    MemberKey{"GrantWrite", "s3:x-amz-grant-write"},
    MemberKey{"GrantWriteACP", "s3:x-amz-grant-write-acp"},
    MemberKey{"IfMatch", "s3:if-match"},
    MemberKey{"IfNoneMatch", "s3:if-none-match"},
    MemberKey{"MetadataDirective", "s3:x-amz-metadata-directive"},
    MemberKey{"ObjectLockLegalHoldStatus", "s3:object-lock-legal-hold"},
    MemberKey{"ObjectLockMode", "s3:object-lock-mode"},
    MemberKey{"ObjectOwnership", "s3:x-amz-object-ownership"},
    MemberKey{"SSECustomerAlgorithm", "s3:x-amz-server-side-encryption-customer-algorithm"},
    MemberKey{"SSEKMSKeyId", "s3:x-amz-server-side-encryption-aws-kms-key-id"},
    MemberKey{"ServerSideEncryption", "s3:x-amz-server-side-encryption"},
    MemberKey{"StorageClass", "s3:x-amz-storage-class"},
    MemberKey{"WebsiteRedirectLocation", "s3:x-amz-website-redirect-location"},
};

void add_text(Pairs& values, const Document& from, const char* member, const char* key) {
  const auto found = from.find(member);
  if (found != from.end() && found->is_string()) values.emplace_back(key, found->get<std::string>());
}

void add_header(Pairs& values, const Context& context, const char* header, const char* key) {
  if (const auto found = context.head->headers.find(header)) values.emplace_back(key, *found);
}

/// arn:aws:iam::<account>:role/<role> of a session of that role, else the ARN as it is.
std::string principal_arn(std::string_view arn) {
  constexpr std::string_view kSession = ":assumed-role/";
  const auto at = arn.find(kSession);
  if (at == arn.npos) return std::string(arn);
  const auto account = arn.substr(0, at);
  const auto role = arn.substr(at + kSession.size());
  return fmt::format("arn:aws:iam::{}:role/{}", account.substr(account.rfind(':') + 1),
                     role.substr(0, role.find('/')));
}

void add_caller(Pairs& values, const Context& context) {
  const auto& identity = context.identity;
  values.emplace_back("aws:principaltype", identity.anonymous() ? "Anonymous" : "AssumedRole");
  if (identity.anonymous()) return;
  values.emplace_back("aws:principalaccount", identity.account.str());
  values.emplace_back("aws:principalarn", principal_arn(identity.arn));
  values.emplace_back("aws:userid", identity.user_id);
}

void add_signature(Pairs& values, const Context& context) {
  if (context.identity.anonymous()) return;
  const auto authorization = context.head->headers.get("authorization");
  const auto query = context.head->query();
  const bool header = authorization.starts_with("AWS");
  const bool form = !header && query.find("Signature=") == query.npos;
  const bool version2 =
      header ? authorization.starts_with("AWS ") : query.find("AWSAccessKeyId=") != query.npos;
  values.emplace_back("s3:authtype", header ? "REST-HEADER" : form ? "POST" : "REST-QUERY-STRING");
  if (!form) values.emplace_back("s3:signatureversion", version2 ? "AWS" : "AWS4-HMAC-SHA256");
}

void add_surroundings(Pairs& values, const Context& context) {
  const auto now = context.now();
  values.emplace_back("aws:currenttime", iso8601_seconds(now));
  values.emplace_back("aws:epochtime", std::to_string(to_millis(now) / 1000));
  values.emplace_back("aws:requestedregion", context.region.str());
  values.emplace_back("aws:principalisawsservice", "false");
  values.emplace_back("aws:viaawsservice", "false");
  if (context.head == nullptr) return;
  values.emplace_back("aws:sourceip", context.head->peer.address);
  values.emplace_back("aws:securetransport", context.head->peer.tls ? "true" : "false");
  add_header(values, context, "referer", "aws:referer");
  add_header(values, context, "user-agent", "aws:useragent");
  add_header(values, context, "x-amz-content-sha256", "s3:x-amz-content-sha256");
  add_signature(values, context);
}

void add_request_tags(Pairs& values, const Document& params) {
  const auto given = params.find("Tagging");
  if (given == params.end()) return;
  const auto tags = given->is_string() ? tags_from_header(given->get_ref<const std::string&>())
                                       : tags_from(*given, kMostBucketTags);
  if (!tags) return;  // the request fails for that
  for (const auto& [name, value] : *tags) {
    values.emplace_back("s3:requestobjecttag/" + name, value);
    values.emplace_back("s3:requestobjecttagkeys", name);
  }
}

void add_retention(Pairs& values, const Context& context, const Document& until) {
  if (!until.is_number()) return;
  const auto date = from_millis(static_cast<std::int64_t>(until.get<double>() * 1000));
  values.emplace_back("s3:object-lock-retain-until-date", iso8601_seconds(date));
  const auto days = std::chrono::floor<std::chrono::days>(date - context.now()).count();
  values.emplace_back("s3:object-lock-remaining-retention-days", std::to_string(days));
}

void add_locks(Pairs& values, const Context& context, const Document& params) {
  add_retention(values, context, params.value("ObjectLockRetainUntilDate", Document()));
  if (const auto retention = params.find("Retention"); retention != params.end() && retention->is_object()) {
    add_text(values, *retention, "Mode", "s3:object-lock-mode");
    add_retention(values, context, retention->value("RetainUntilDate", Document()));
  }
  if (const auto hold = params.find("LegalHold"); hold != params.end() && hold->is_object())
    add_text(values, *hold, "Status", "s3:object-lock-legal-hold");
}

void add_request(Pairs& values, const Context& context, const Document& params) {
  for (const auto& [member, key] : kTexts) add_text(values, params, member, key);
  add_text(values, params, "Prefix", "s3:prefix");
  if (const auto most = params.find("MaxKeys"); most != params.end())
    values.emplace_back("s3:max-keys", most->dump());
  if (const auto source = params.find("CopySource"); source != params.end() && source->is_string()) {
    if (const auto name = parse_copy_source(source->get_ref<const std::string&>()))
      values.emplace_back("s3:x-amz-copy-source", name->bucket + "/" + name->key);
  }
  add_request_tags(values, params);
  add_locks(values, context, params);
}

/// Is the call about this object, and not about the source of a copy?
bool asked_of(const Document& params, const ObjectName& object) {
  if (params.value("Bucket", "") != object.bucket) return false;
  return !params.contains("CopySource") || params.value("Key", "") == object.key;
}

/// `key` is in lower case up to its '/'; a tag's name is as it is.
ConditionValues values_of(const Pairs& values, const Pairs& more) {
  return [&values, &more](std::string_view key) {
    std::vector<std::string> found;
    for (const auto* pairs : {&values, &more})
      for (const auto& [name, value] : *pairs)
        if (name == key) found.push_back(value);
    return found;
  };
}

Pairs facts_of_target(const storage::Bucket& bucket, const storage::ObjectRow* row) {
  Pairs values{{"aws:resourceaccount", bucket.account}, {"s3:resourceaccount", bucket.account}};
  if (row == nullptr) return values;
  for (auto& [name, value] : storage::unpack(row->tags))
    values.emplace_back("s3:existingobjecttag/" + name, std::move(value));
  return values;
}

}  // namespace

std::shared_ptr<const PolicyFacts> policy_facts(const Context& context, const Document& params,
                                                const Action& action, const ObjectName& object) {
  auto facts = std::make_shared<PolicyFacts>();
  facts->action = object.version.empty() ? action.name : action.versioned;
  facts->resource = "arn:aws:s3:::" + object.bucket;
  if (action.of_object) facts->resource += "/" + object.key;
  facts->arn = context.identity.arn;
  auto& values = facts->values;
  add_surroundings(values, context);
  add_caller(values, context);
  if (!object.version.empty()) values.emplace_back("s3:versionid", object.version);
  if (asked_of(params, object)) add_request(values, context, params);
  // who asks for a key that is not there asks for a list of that prefix
  if (!action.of_object && !object.key.empty()) values.emplace_back("s3:prefix", object.key);
  return facts;
}

namespace {

/// The last few policies that this thread judged by: a bucket's is asked at every request and hardly ever
/// changes.
class ParsedPolicies {
 public:
  /// Null when the text is no policy of that bucket.
  const Policy* get(const std::string& bucket, const std::string& text) {
    for (const auto& known : kept_)
      if (known.bucket == bucket && known.text == text) return known.policy ? &*known.policy : nullptr;
    auto& oldest = kept_[next_];
    next_ = (next_ + 1) % kept_.size();
    auto parsed = Policy::parse(text, bucket);
    oldest = {bucket, text, parsed ? std::optional(std::move(*parsed)) : std::nullopt};
    return oldest.policy ? &*oldest.policy : nullptr;
  }

 private:
  struct Kept {
    std::string bucket;  ///< empty: nothing yet
    std::string text;
    std::optional<Policy> policy;
  };
  std::array<Kept, 4> kept_;
  std::size_t next_ = 0;
};

}  // namespace

PolicySays policy_says(const std::string& text, const storage::Bucket& bucket, const Claim& claim,
                       const storage::ObjectRow* row) {
  thread_local ParsedPolicies policies;
  const Policy* const policy = policies.get(bucket.name, text);
  if (policy == nullptr) return {Verdict::kDeny, true};  // not ours: rather closed than open
  const auto& facts = *claim.facts;
  const auto target = facts_of_target(bucket, row);
  const bool anonymous = claim.account == kNoAccount;
  const PolicyRequest request{facts.action, facts.resource,
                              anonymous,    anonymous ? std::string() : claim.account,
                              facts.arn,    values_of(facts.values, target)};
  return {policy->judge(request), policy->is_public()};
}

}  // namespace sagelet::s3
