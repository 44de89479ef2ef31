#include "server/services/s3/notifications/events.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/time_text.hpp"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/services/s3/errors.hpp"
#include "server/services/s3/names.hpp"

namespace sagelet::s3::notifications {

namespace {

constexpr std::array<std::pair<const char*, const char*>, 3> kKinds = {
    {{"TopicConfigurations", "TopicArn"},
     {"QueueConfigurations", "QueueArn"},
     {"LambdaFunctionConfigurations", "LambdaFunctionArn"}}};

constexpr std::array<std::string_view, 27> kEvents = {"s3:ReducedRedundancyLostObject",
                                                      "s3:ObjectCreated:*",
                                                      "s3:ObjectCreated:Put",
                                                      "s3:ObjectCreated:Post",
                                                      "s3:ObjectCreated:Copy",
                                                      "s3:ObjectCreated:CompleteMultipartUpload",
                                                      "s3:ObjectRemoved:*",
                                                      "s3:ObjectRemoved:Delete",
                                                      "s3:ObjectRemoved:DeleteMarkerCreated",
                                                      "s3:ObjectRestore:*",
                                                      "s3:ObjectRestore:Post",
                                                      "s3:ObjectRestore:Completed",
                                                      "s3:ObjectRestore:Delete",
                                                      "s3:Replication:*",
                                                      "s3:Replication:OperationFailedReplication",
                                                      "s3:Replication:OperationNotTracked",
                                                      "s3:Replication:OperationMissedThreshold",
                                                      "s3:Replication:OperationReplicatedAfterThreshold",
                                                      "s3:LifecycleTransition",
                                                      "s3:IntelligentTiering",
                                                      "s3:ObjectAcl:Put",
                                                      "s3:LifecycleExpiration:*",
                                                      "s3:LifecycleExpiration:Delete",
                                                      "s3:LifecycleExpiration:DeleteMarkerCreated",
                                                      "s3:ObjectTagging:*",
                                                      "s3:ObjectTagging:Put",
                                                      "s3:ObjectTagging:Delete"};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// "s3:ObjectCreated:*" covers "s3:ObjectCreated:Put".
bool covers(std::string_view wanted, std::string_view event) {
  if (wanted.ends_with(":*")) return event.starts_with(wanted.substr(0, wanted.size() - 1));
  return wanted == event;
}

Reply<void> check_filter(const Document& given) {
  const auto rules = given.value("Filter", Document::object()).value("Key", Document::object());
  std::vector<std::string> seen;
  for (const auto& rule : rules.value("FilterRules", Document::array())) {
    const auto name = lower(rule.value("Name", ""));
    if (name != "prefix" && name != "suffix")
      return errors::invalid_argument("filter rule name must be either prefix or suffix", "FilterRule.Name",
                                      rule.value("Name", ""));
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      return errors::invalid_argument(fmt::format("Cannot specify more than one {} rule in a filter.", name));
    seen.push_back(name);
  }
  return {};
}

Reply<void> check_target(const Document& given, const char* arn) {
  const auto destination = given.value(arn, "");
  if (!destination.starts_with("arn:"))
    return errors::invalid_argument("The ARN is not well formed", arn, destination);
  const auto events = given.value("Events", Document::array());
  if (events.empty()) return errors::malformed_xml();
  for (const auto& event : events)
    if (std::find(kEvents.begin(), kEvents.end(), event.get_ref<const std::string&>()) == kEvents.end())
      return errors::invalid_argument("The event is not supported for notifications", "Event",
                                      event.get<std::string>());
  return check_filter(given);
}

Target target_from(const Document& given, const char* arn) {
  Target target;
  target.id = given.value("Id", "");
  target.destination = given.value(arn, "");
  for (const auto& event : given.value("Events", Document::array())) target.events.push_back(event);
  const auto rules = given.value("Filter", Document::object()).value("Key", Document::object());
  for (const auto& rule : rules.value("FilterRules", Document::array()))
    (lower(rule.value("Name", "")) == "prefix" ? target.prefix : target.suffix) = rule.value("Value", "");
  return target;
}

bool overlap(const Target& one, const Target& two) {
  const bool prefixes = one.prefix.starts_with(two.prefix) || two.prefix.starts_with(one.prefix);
  const bool suffixes = one.suffix.ends_with(two.suffix) || two.suffix.ends_with(one.suffix);
  if (!prefixes || !suffixes) return false;
  return std::any_of(one.events.begin(), one.events.end(), [&](const std::string& event) {
    return std::any_of(two.events.begin(), two.events.end(), [&](const std::string& other) {
      return covers(event, other) || covers(other, event);
    });
  });
}

/// Several targets may not be told of the same thing.
Reply<void> check_apart(const std::vector<Target>& targets) {
  for (auto one = targets.begin(); one != targets.end(); ++one)
    for (auto two = one + 1; two != targets.end(); ++two)
      if (overlap(*one, *two))
        return errors::invalid_argument(
            "Configurations overlap. Configurations on the same bucket cannot share a common event type.");
  return {};
}

/// As forms encode it: AWS's records do, so readers decode it.
std::string shown_key(std::string_view key) {
  auto encoded = url_encoded(key);
  for (auto at = encoded.find("%20"); at != std::string::npos; at = encoded.find("%20", at))
    encoded.replace(at, 3, "+");
  return encoded;
}

Document object_of(const Event& event, std::int64_t sequencer) {
  Document object;
  object["key"] = shown_key(event.key);
  if (!event.removed) {
    object["size"] = event.size;
    object["eTag"] = event.etag;
  }
  if (!event.version.empty()) object["versionId"] = event.version;
  object["sequencer"] = fmt::format("{:018X}", sequencer);
  return object;
}

}  // namespace

Actor actor_of(const Context& context) {
  const auto& identity = context.identity;
  return {identity.anonymous() ? "Anonymous" : "AWS:" + identity.user_id,
          context.head == nullptr ? std::string() : context.head->peer.address, context.request_id};
}

Reply<Document> configuration_from(const Document& params, Ids& ids) {
  const auto given = params.find("NotificationConfiguration");
  if (given == params.end()) return errors::malformed_xml();
  auto configuration = *given;
  for (const auto& [list, arn] : kKinds) {
    if (!configuration.contains(list)) continue;
    for (auto& target : configuration.at(list)) {
      TRY(check_target(target, arn));
      if (target.value("Id", "").empty()) target["Id"] = ids.uuid();
    }
  }
  TRY(check_apart(targets_from(configuration)));
  return configuration;
}

std::vector<Target> targets_from(const Document& configuration) {
  std::vector<Target> targets;
  for (const auto& [list, arn] : kKinds)
    for (const auto& target : configuration.value(list, Document::array()))
      targets.push_back(target_from(target, arn));
  return targets;
}

bool wants(const Target& target, const Event& event) {
  const auto name = "s3:" + event.name;
  return event.key.starts_with(target.prefix) && event.key.ends_with(target.suffix) &&
         std::any_of(target.events.begin(), target.events.end(),
                     [&](const std::string& wanted) { return covers(wanted, name); });
}

std::string record_of(const Event& event, const Target& target, const storage::Bucket& bucket,
                      const Actor& actor, std::int64_t sequencer, WallTime now) {
  const Document owner = {{"principalId", canonical_user(bucket.account)}};
  const Document record = {
      {"eventVersion", event.name.starts_with("Lifecycle") ? "2.3" : "2.1"},
      {"eventSource", "aws:s3"},
      {"awsRegion", bucket.region},
      {"eventTime", iso8601(now)},
      {"eventName", event.name},
      {"userIdentity", {{"principalId", actor.principal}}},
      {"requestParameters", {{"sourceIPAddress", actor.address}}},
      {"responseElements", {{"x-amz-request-id", actor.request_id}, {"x-amz-id-2", actor.request_id}}},
      {"s3",
       {{"s3SchemaVersion", "1.0"},
        {"configurationId", target.id},
        {"bucket", {{"name", bucket.name}, {"ownerIdentity", owner}, {"arn", "arn:aws:s3:::" + bucket.name}}},
        {"object", object_of(event, sequencer)}}}};
  return record.dump(-1, ' ', false, Document::error_handler_t::replace);
}

}  // namespace sagelet::s3::notifications
