#include "server/services/s3/lifecycle/rules.hpp"

#include <algorithm>
#include <array>

#include "base/time_text.hpp"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/services/s3/lifecycle/check.hpp"
#include "server/services/s3/names.hpp"

namespace sagelet::s3::lifecycle {

namespace {

constexpr std::uint64_t kLeastMoved = 128 * 1024;

/// From the warmest to the coldest; nothing moves back.
constexpr std::array<std::string_view, 7> kWaterfall = {
    "STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"};

std::size_t coldness(std::string_view storage_class) {
  const auto at = std::find(kWaterfall.begin(), kWaterfall.end(), storage_class);
  return at == kWaterfall.end() ? 0 : static_cast<std::size_t>(at - kWaterfall.begin());
}

WallTime time_of(const Document& seconds) {
  return from_millis(static_cast<std::int64_t>(seconds.get<double>() * 1000));
}

When when_of(const Document& given) {
  When when;
  if (given.contains("Days")) when.days = given.at("Days").get<std::int64_t>();
  if (given.contains("Date")) when.date = time_of(given.at("Date"));
  return when;
}

void add_tag(Filter& filter, const Document& tag) {
  filter.tags.emplace_back(tag.value("Key", ""), tag.value("Value", ""));
}

/// Of a Filter or its And. The longer prefix is the narrower.
void narrow(Filter& filter, const Document& given) {
  if (auto prefix = given.value("Prefix", ""); prefix.size() > filter.prefix.size())
    filter.prefix = std::move(prefix);
  if (given.contains("Tag")) add_tag(filter, given.at("Tag"));
  if (given.contains("Tags"))
    for (const auto& tag : given.at("Tags")) add_tag(filter, tag);
  if (given.contains("ObjectSizeGreaterThan"))
    filter.larger_than = given.at("ObjectSizeGreaterThan").get<std::uint64_t>();
  if (given.contains("ObjectSizeLessThan"))
    filter.smaller_than = given.at("ObjectSizeLessThan").get<std::uint64_t>();
}

Filter filter_of(const Document& rule) {
  Filter filter;
  filter.prefix = rule.value("Prefix", "");
  const auto given = rule.find("Filter");
  if (given == rule.end()) return filter;
  narrow(filter, *given);
  if (given->contains("And")) narrow(filter, given->at("And"));
  return filter;
}

void read_expiration(Rule& rule, const Document& given) {
  rule.expired_markers = given.value("ExpiredObjectDeleteMarker", false);
  if (given.contains("Days") || given.contains("Date")) rule.expiration = when_of(given);
}

Transition noncurrent_transition(const Document& given) {
  return {{given.value("NoncurrentDays", std::int64_t{0}), std::nullopt},
          given.value("StorageClass", ""),
          given.value("NewerNoncurrentVersions", std::int64_t{0})};
}

Rule rule_from(const Document& given) {
  Rule rule;
  rule.id = given.value("ID", "");
  rule.filter = filter_of(given);
  if (given.contains("Expiration")) read_expiration(rule, given.at("Expiration"));
  for (const auto& one : given.value("Transitions", Document::array()))
    rule.transitions.push_back({when_of(one), one.value("StorageClass", ""), 0});
  for (const auto& one : given.value("NoncurrentVersionTransitions", Document::array()))
    rule.noncurrent_transitions.push_back(noncurrent_transition(one));
  if (const auto one = given.find("NoncurrentVersionExpiration"); one != given.end())
    rule.noncurrent_expiration = NoncurrentExpiration{one->value("NoncurrentDays", std::int64_t{0}),
                                                      one->value("NewerNoncurrentVersions", std::int64_t{0})};
  if (const auto one = given.find("AbortIncompleteMultipartUpload"); one != given.end())
    rule.abort_uploads_after = one->value("DaysAfterInitiation", std::int64_t{0});
  return rule;
}

bool has_tags(const storage::Pairs& wanted, const std::string& packed) {
  if (wanted.empty()) return true;
  const auto tags = storage::unpack(packed);
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const auto& tag) { return std::find(tags.begin(), tags.end(), tag) != tags.end(); });
}

bool matches(const Filter& filter, const Subject& object) {
  if (!object.key.starts_with(filter.prefix)) return false;
  if (filter.larger_than && object.size <= *filter.larger_than) return false;
  if (filter.smaller_than && object.size >= *filter.smaller_than) return false;
  return has_tags(filter.tags, object.tags);
}

WallTime due_at(const When& when, WallTime from, const Calendar& calendar) {
  return when.date ? *when.date : calendar.due(from, when.days.value_or(0));
}

void keep_earlier(std::optional<Due>& earliest, WallTime at, const Rule& rule) {
  if (!earliest || at < earliest->at) earliest = Due{at, rule.id};
}

/// Small objects stay where they are, unless the rule speaks of sizes.
bool may_move(const Rules& rules, const Rule& rule, const Subject& object, std::string_view storage_class) {
  if (rule.filter.larger_than || rule.filter.smaller_than || object.size >= rules.least_moved) return true;
  return rules.archives_take_all && (storage_class == "GLACIER" || storage_class == "DEEP_ARCHIVE");
}

}  // namespace

WallTime Calendar::due(WallTime from, std::int64_t days) const {
  const auto exact = to_millis(from) + days * day.count();
  const auto grain = step().count();
  return from_millis((exact + grain - 1) / grain * grain);
}

WallTime Calendar::next_run(WallTime now) const {
  const auto grain = step().count();
  return from_millis((to_millis(now) / grain + 1) * grain);
}

WallTime Calendar::first_run(WallTime now) const {
  return next_run(step() < day ? now + step() : now);
}

Reply<Document> configuration_from(const Document& params, Ids& ids) {
  TRY(auto configuration, checked_configuration(params));
  for (auto& rule : configuration["Rules"])
    if (rule.value("ID", "").empty()) rule["ID"] = ids.uuid();
  configuration[kLeastMovedMember] = params.value(kLeastMovedMember, kAllStorageClasses);
  return configuration;
}

Rules rules_from(std::string_view json) {
  const auto configuration = Document::parse(json);
  Rules rules;
  rules.least_moved = kLeastMoved;
  rules.archives_take_all = configuration.value(kLeastMovedMember, kAllStorageClasses) != kAllStorageClasses;
  for (const auto& rule : configuration.value("Rules", Document::array()))
    if (rule.value("Status", "") == "Enabled") rules.rules.push_back(rule_from(rule));
  return rules;
}

std::optional<Due> expiration(const Rules& rules, const Subject& object, const Calendar& calendar) {
  std::optional<Due> earliest;
  for (const auto& rule : rules.rules)
    if (rule.expiration && matches(rule.filter, object))
      keep_earlier(earliest, due_at(*rule.expiration, object.modified, calendar), rule);
  return earliest;
}

std::optional<Due> abortion(const Rules& rules, std::string_view key, WallTime started,
                            const Calendar& calendar) {
  std::optional<Due> earliest;
  for (const auto& rule : rules.rules)
    if (rule.abort_uploads_after && key.starts_with(rule.filter.prefix))
      keep_earlier(earliest, calendar.due(started, *rule.abort_uploads_after), rule);
  return earliest;
}

bool marker_expires(const Rules& rules, const Subject& marker, WallTime now, const Calendar& calendar) {
  return std::any_of(rules.rules.begin(), rules.rules.end(), [&](const Rule& rule) {
    if (!rule.filter.by_prefix_alone() || !marker.key.starts_with(rule.filter.prefix)) return false;
    return rule.expired_markers ||
           (rule.expiration && due_at(*rule.expiration, marker.modified, calendar) <= now);
  });
}

bool noncurrent_expires(const Rules& rules, const Subject& version, WallTime since, std::int64_t newer,
                        WallTime now, const Calendar& calendar) {
  return std::any_of(rules.rules.begin(), rules.rules.end(), [&](const Rule& rule) {
    const auto& wanted = rule.noncurrent_expiration;
    return wanted && newer >= wanted->newer && matches(rule.filter, version) &&
           calendar.due(since, wanted->days) <= now;
  });
}

std::string moves_to(const Rules& rules, const Subject& version, std::optional<WallTime> since,
                     std::int64_t newer, WallTime now, const Calendar& calendar) {
  std::string coldest;
  auto reached = coldness(version.storage_class);
  for (const auto& rule : rules.rules) {
    const auto& transitions = since ? rule.noncurrent_transitions : rule.transitions;
    if (transitions.empty() || !matches(rule.filter, version)) continue;
    for (const auto& one : transitions) {
      if (newer < one.newer || due_at(one.when, since.value_or(version.modified), calendar) > now) continue;
      if (coldness(one.storage_class) <= reached || !may_move(rules, rule, version, one.storage_class))
        continue;
      coldest = one.storage_class;
      reached = coldness(coldest);
    }
  }
  return coldest;
}

std::string expiration_header(const Due& due) {
  return fmt::format("expiry-date=\"{}\", rule-id=\"{}\"", http_date(due.at), url_encoded(due.rule));
}

}  // namespace sagelet::s3::lifecycle
