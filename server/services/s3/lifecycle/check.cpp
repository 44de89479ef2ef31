#include "server/services/s3/lifecycle/check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/services/s3/errors.hpp"

namespace sagelet::s3::lifecycle {

namespace {

constexpr std::size_t kMostRules = 1000;
constexpr std::size_t kMostIdBytes = 255;
constexpr std::int64_t kMostNewer = 100;
constexpr double kDaySeconds = 86'400;
constexpr std::int64_t kLeastDaysOfInfrequent = 30;

constexpr std::array<const char*, 5> kActions = {"Expiration", "Transitions", "NoncurrentVersionExpiration",
                                                 "NoncurrentVersionTransitions",
                                                 "AbortIncompleteMultipartUpload"};
constexpr std::array<std::string_view, 6> kStorageClasses = {
    "GLACIER", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR"};

Reply<void> check_number(const Document& given, const char* name, const char* action, std::int64_t least) {
  const auto member = given.find(name);
  if (member == given.end()) return errors::malformed_xml();
  if (member->get<std::int64_t>() >= least) return {};
  return errors::invalid_argument(fmt::format("'{}' for {} action must be a {} integer", name, action,
                                              least > 0 ? "positive" : "nonnegative"));
}

Reply<void> check_newer(const Document& given, const char* action) {
  const auto member = given.find("NewerNoncurrentVersions");
  if (member == given.end()) return {};
  const auto newer = member->get<std::int64_t>();
  if (newer >= 1 && newer <= kMostNewer) return {};
  return errors::invalid_argument(
      fmt::format("'NewerNoncurrentVersions' for {} action must be a positive integer of at most {}", action,
                  kMostNewer));
}

Reply<void> check_midnight(const Document& given) {
  const auto date = given.find("Date");
  if (date == given.end() || std::fmod(date->get<double>(), kDaySeconds) == 0) return {};
  return errors::invalid_argument("'Date' must be at midnight GMT");
}

Reply<void> check_storage_class(const Document& given) {
  const auto named = given.value("StorageClass", "");
  if (std::find(kStorageClasses.begin(), kStorageClasses.end(), named) == kStorageClasses.end())
    return errors::malformed_xml();
  return {};
}

bool infrequent(const Document& transition) {
  const auto named = transition.value("StorageClass", "");
  return named == "STANDARD_IA" || named == "ONEZONE_IA";
}

Reply<void> check_least_days(const Document& transition, const char* days, const char* action) {
  if (!infrequent(transition) || !transition.contains(days) ||
      transition.at(days).get<std::int64_t>() >= kLeastDaysOfInfrequent)
    return {};
  return errors::invalid_argument(
      fmt::format("'Days' in {} action must be greater than or equal to 30 for storageClass '{}'", action,
                  transition.value("StorageClass", "")));
}

bool names_tags(const Document& filter) {
  return filter.contains("Tag") || (filter.contains("And") && filter.at("And").contains("Tags"));
}

bool names_sizes(const Document& filter) {
  for (const char* size : {"ObjectSizeGreaterThan", "ObjectSizeLessThan"})
    if (filter.contains(size) || (filter.contains("And") && filter.at("And").contains(size))) return true;
  return false;
}

Reply<void> check_expiration(const Document& rule, const Document& filter) {
  const auto given = rule.find("Expiration");
  if (given == rule.end()) return {};
  const int named =
      given->contains("Days") + given->contains("Date") + given->contains("ExpiredObjectDeleteMarker");
  if (named != 1) return errors::malformed_xml();
  if (given->contains("Days")) return check_number(*given, "Days", "Expiration", 1);
  if (given->contains("ExpiredObjectDeleteMarker") && names_tags(filter))
    return errors::invalid_request("ExpiredObjectDeleteMarker cannot be specified with Tags.");
  return check_midnight(*given);
}

std::string prefix_of(const Document& rule) {
  return rule.contains("Filter") ? rule.at("Filter").value("Prefix", "") : rule.value("Prefix", "");
}

/// What is moved must not have expired before.
Reply<void> check_order(const Document& rule, const Document& transition) {
  const auto expiration = rule.find("Expiration");
  if (expiration == rule.end() || expiration->contains("ExpiredObjectDeleteMarker")) return {};
  if (expiration->contains("Days") != transition.contains("Days"))
    return errors::invalid_request(
        fmt::format("Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule "
                    "for filter '(prefix={})'",
                    prefix_of(rule)));
  const char* by = transition.contains("Days") ? "Days" : "Date";
  if (expiration->at(by).get<double>() > transition.at(by).get<double>()) return {};
  return errors::invalid_argument(fmt::format(
      "'{}' in the Expiration action for filter '(prefix={})' must be greater than '{}' in the Transition "
      "action",
      by, prefix_of(rule), by));
}

Reply<void> check_transitions(const Document& rule) {
  for (const auto& given : rule.value("Transitions", Document::array())) {
    if (given.contains("Days") == given.contains("Date")) return errors::malformed_xml();
    TRY(check_storage_class(given));
    if (given.contains("Days")) TRY(check_number(given, "Days", "Transition", 0));
    TRY(check_midnight(given));
    TRY(check_least_days(given, "Days", "Transition"));
    TRY(check_order(rule, given));
  }
  for (const auto& given : rule.value("NoncurrentVersionTransitions", Document::array())) {
    TRY(check_storage_class(given));
    TRY(check_number(given, "NoncurrentDays", "NoncurrentVersionTransition", 0));
    TRY(check_newer(given, "NoncurrentVersionTransition"));
    TRY(check_least_days(given, "NoncurrentDays", "NoncurrentVersionTransition"));
  }
  return {};
}

Reply<void> check_other_actions(const Document& rule, const Document& filter) {
  if (const auto given = rule.find("NoncurrentVersionExpiration"); given != rule.end()) {
    TRY(check_number(*given, "NoncurrentDays", "NoncurrentVersionExpiration", 1));
    TRY(check_newer(*given, "NoncurrentVersionExpiration"));
  }
  if (const auto given = rule.find("AbortIncompleteMultipartUpload"); given != rule.end()) {
    if (names_tags(filter))
      return errors::invalid_request("AbortIncompleteMultipartUpload cannot be specified with Tags.");
    if (names_sizes(filter))
      return errors::invalid_request("AbortIncompleteMultipartUpload cannot be specified with Object Size.");
    TRY(check_number(*given, "DaysAfterInitiation", "AbortIncompleteMultipartUpload", 1));
  }
  return {};
}

Reply<void> check_sizes(const Document& given) {
  for (const char* name : {"ObjectSizeGreaterThan", "ObjectSizeLessThan"})
    if (given.contains(name) && given.at(name).get<std::int64_t>() < 0)
      return errors::invalid_argument(fmt::format("'{}' must be a nonnegative integer", name));
  if (!given.contains("ObjectSizeGreaterThan") || !given.contains("ObjectSizeLessThan")) return {};
  if (given.at("ObjectSizeGreaterThan").get<std::int64_t>() <
      given.at("ObjectSizeLessThan").get<std::int64_t>())
    return {};
  return errors::invalid_request(
      "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.");
}

Reply<void> check_rule(const Document& rule) {
  const auto status = rule.value("Status", "");
  if (status != "Enabled" && status != "Disabled") return errors::malformed_xml();
  if (rule.value("ID", "").size() > kMostIdBytes)
    return errors::invalid_argument("ID length should not exceed allowed limit of 255");
  if (rule.contains("Prefix") == rule.contains("Filter")) return errors::malformed_xml();
  const auto filter = rule.value("Filter", Document::object());
  TRY(check_sizes(filter));
  if (filter.contains("And")) TRY(check_sizes(filter.at("And")));
  if (std::none_of(kActions.begin(), kActions.end(),
                   [&](const char* action) { return rule.contains(action); }))
    return errors::invalid_request("At least one action needs to be specified in a rule");
  TRY(check_expiration(rule, filter));
  TRY(check_transitions(rule));
  return check_other_actions(rule, filter);
}

}  // namespace

Reply<Document> checked_configuration(const Document& params) {
  const auto given = params.find("LifecycleConfiguration");
  if (given == params.end() || !given->contains("Rules") || given->at("Rules").empty())
    return errors::malformed_xml();
  const auto& rules = given->at("Rules");
  if (rules.size() > kMostRules)
    return errors::invalid_request(
        "The number of lifecycle rules must not exceed the allowed limit of 1000 rules");
  std::set<std::string> ids;
  for (const auto& rule : rules) {
    TRY(check_rule(rule));
    const auto id = rule.value("ID", "");
    if (!id.empty() && !ids.insert(id).second)
      return errors::invalid_argument("Rule ID must be unique. Found same ID for more than one rule");
  }
  return *given;
}

}  // namespace sagelet::s3::lifecycle
