#include "server/services/s3/access/policy.hpp"

#include <algorithm>
#include <set>

#include "nlohmann/json.hpp"
#include "server/services/s3/access/action_targets.hpp"
#include "server/services/s3/errors.hpp"

namespace sagelet::s3 {

namespace {

using Strings = std::vector<std::string>;
using errors::malformed_policy;

constexpr std::string_view kArnOfBuckets = "arn:aws:s3:::";

Reply<void> only_fields(const Document& object, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      return malformed_policy("Unknown field " + name);
  }
  return {};
}

/// A string, or a list of them.
Reply<Strings> strings_of(const Document& value) {
  if (value.is_string()) return Strings{value.get<std::string>()};
  if (!value.is_array()) return malformed_policy("Invalid policy syntax.");
  Strings found;
  for (const auto& item : value) {
    if (!item.is_string()) return malformed_policy("Invalid policy syntax.");
    found.push_back(item.get<std::string>());
  }
  return found;
}

/// The member `name` or its opposite `but`, exactly one of them.
Reply<std::pair<const Document*, bool>> one_of(const Document& json, std::string_view name,
                                               std::string_view but) {
  const auto plain = json.find(name), opposite = json.find(but);
  if (plain != json.end() && opposite != json.end())
    return malformed_policy("Statement cannot contain both " + std::string(name) + " and " +
                            std::string(but));
  if (plain == json.end() && opposite == json.end())
    return malformed_policy("Missing required field " + std::string(name));
  return std::pair(plain == json.end() ? &*opposite : &*plain, plain == json.end());
}

/// What is behind "arn:aws:s3:::"; nothing when it is no such ARN. "*" is everything.
std::optional<std::string_view> path_of(std::string_view resource) {
  if (resource == "*") return resource;
  if (!resource.starts_with(kArnOfBuckets)) return std::nullopt;
  return resource.substr(kArnOfBuckets.size());
}

/// A variable may stand for anything.
Wildcards widest(std::string_view text) {
  std::string wide;
  while (!text.empty()) {
    const auto end = text.starts_with("${") ? text.find('}') : text.npos;
    wide += end == text.npos ? text.front() : '*';
    text.remove_prefix(end == text.npos ? 1 : end + 1);
  }
  return Wildcards::of(wide);
}

/// What of `bucket` may lie under the path of a resource's ARN.
ActionTargets reach_of(std::string_view path, std::string_view bucket) {
  const auto pattern = widest(path);
  return {pattern.matches(bucket), pattern.may_begin_with(std::string(bucket) + "/")};
}

bool any_matches(const std::vector<Wildcards>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const Wildcards& pattern) {
    return pattern.matches(text, Wildcards::Case::kIgnored);
  });
}

}  // namespace

Reply<Policy> Policy::parse(std::string_view text, std::string_view bucket) {
  if (text.size() > kMostBytes) return malformed_policy("Policy exceeds the maximum allowed document size.");
  const auto json = Document::parse(text, nullptr, false);
  if (!json.is_object())
    return malformed_policy("Policies must be valid JSON and the first byte must be '{'");
  TRY(only_fields(json, {"Version", "Id", "Statement"}));
  Policy policy;
  const auto version = json.value("Version", Document("2008-10-17"));
  if (version != "2008-10-17" && version != "2012-10-17")
    return malformed_policy("The policy must contain a valid version string");
  policy.variables_ = version == "2012-10-17";
  if (json.contains("Id") && !json["Id"].is_string()) return malformed_policy("Invalid policy syntax.");
  if (!json.contains("Statement")) return malformed_policy("Missing required field Statement");
  TRY(policy.read_statements(json["Statement"], bucket));
  return policy;
}

Reply<void> Policy::read_statements(const Document& json, std::string_view bucket) {
  const auto list = json.is_object() ? Document::array({json}) : json;
  if (!list.is_array()) return malformed_policy("Invalid policy syntax.");
  if (list.empty()) return malformed_policy("Could not parse the policy: Statement is empty!");
  std::set<std::string> sids;
  for (const auto& item : list) {
    TRY(auto statement, Statement::parse(item, bucket));
    if (!statement.sid.empty() && !sids.insert(statement.sid).second)
      return malformed_policy("Statement IDs (SID) in a single policy must be unique.");
    statements_.push_back(std::move(statement));
  }
  return {};
}

Reply<Policy::Statement> Policy::Statement::parse(const Document& json, std::string_view bucket) {
  if (!json.is_object()) return malformed_policy("Invalid policy syntax.");
  TRY(only_fields(json, {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
                         "NotResource", "Condition"}));
  Statement made;
  if (const auto sid = json.find("Sid"); sid != json.end()) {
    if (!sid->is_string()) return malformed_policy("Invalid policy syntax.");
    made.sid = sid->get<std::string>();
  }
  const auto effect = json.find("Effect");
  if (effect == json.end()) return malformed_policy("Missing required field Effect");
  if (*effect != "Allow" && *effect != "Deny")
    return malformed_policy("Invalid effect: " +
                            (effect->is_string() ? effect->get<std::string>() : effect->dump()));
  made.deny = *effect == "Deny";
  TRY(const auto principal, one_of(json, "Principal", "NotPrincipal"));
  if (principal.second && !made.deny) return malformed_policy("Allow with NotPrincipal is not allowed.");
  made.principals.but = principal.second;
  TRY(made.principals.list, Principals::parse(*principal.first));
  TRY(made.read_actions(json));
  TRY(made.read_resources(json, bucket));
  TRY(made.read_conditions(json));
  return made;
}

Reply<void> Policy::Statement::read_actions(const Document& json) {
  TRY(const auto member, one_of(json, "Action", "NotAction"));
  TRY(const auto names, strings_of(*member.first));
  if (names.empty()) return malformed_policy("Missing required field Action");
  actions.but = member.second;
  for (const auto& name : names) {
    if (!targets_of(name).any()) return malformed_policy("Policy has invalid action");
    actions.list.push_back(Wildcards::of(name));
  }
  return {};
}

Reply<void> Policy::Statement::read_resources(const Document& json, std::string_view bucket) {
  TRY(const auto member, one_of(json, "Resource", "NotResource"));
  TRY(resources.list, strings_of(*member.first));
  if (resources.list.empty()) return malformed_policy("Missing required field Resource");
  resources.but = member.second;
  ActionTargets reach;
  for (const auto& resource : resources.list) {
    const auto path = path_of(resource);
    const auto here = path ? reach_of(*path, bucket) : ActionTargets();
    if (!here.any()) return malformed_policy("Policy has invalid resource");
    reach = {reach.bucket || here.bucket, reach.object || here.object};
  }
  if (resources.but || actions.but) return {};
  TRY(const auto names, strings_of(json.at("Action")));
  for (const auto& name : names) {
    const auto targets = targets_of(name);
    if (!(targets.bucket && reach.bucket) && !(targets.object && reach.object))
      return malformed_policy("Action does not apply to any resource(s) in statement");
  }
  return {};
}

Reply<void> Policy::Statement::read_conditions(const Document& json) {
  const auto block = json.find("Condition");
  if (block == json.end()) return {};
  if (!block->is_object()) return malformed_policy("Invalid policy syntax.");
  for (const auto& [name, lines] : block->items()) {
    if (!lines.is_object()) return malformed_policy("Invalid policy syntax.");
    for (const auto& [key, values] : lines.items()) {
      TRY(conditions.emplace_back(), PolicyCondition::parse(name, key, values));
    }
  }
  return {};
}

bool Policy::Statement::names_resource(const PolicyRequest& request, bool variables) const {
  return std::any_of(resources.list.begin(), resources.list.end(), [&](const std::string& resource) {
    if (!variables) return Wildcards::of(resource).matches(request.resource);
    const auto pattern = Wildcards::with_variables(resource, request.value);
    return pattern && pattern->matches(request.resource);
  });
}

bool Policy::Statement::applies(const PolicyRequest& request, bool variables) const {
  if (any_matches(actions.list, request.action) == actions.but) return false;
  if (names_resource(request, variables) == resources.but) return false;
  const Caller caller{request.anonymous, request.account, request.arn};
  if (principals.list.match(caller) == principals.but) return false;
  return std::all_of(conditions.begin(), conditions.end(), [&](const PolicyCondition& condition) {
    return condition.holds(request.value, variables);
  });
}

bool Policy::Statement::is_public() const {
  if (deny || !principals.list.everybody()) return false;
  return std::none_of(conditions.begin(), conditions.end(),
                      [](const PolicyCondition& condition) { return condition.names_callers(); });
}

Verdict Policy::judge(const PolicyRequest& request) const {
  auto verdict = Verdict::kSilent;
  for (const auto& statement : statements_) {
    if (verdict == Verdict::kAllow && !statement.deny) continue;
    if (!statement.applies(request, variables_)) continue;
    if (statement.deny) return Verdict::kDeny;
    verdict = Verdict::kAllow;
  }
  return verdict;
}

bool Policy::is_public() const {
  return std::any_of(statements_.begin(), statements_.end(),
                     [](const Statement& statement) { return statement.is_public(); });
}

}  // namespace sagelet::s3
