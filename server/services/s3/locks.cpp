#include "server/services/s3/locks.hpp"

#include <charconv>

#include "nlohmann/json.hpp"
#include "server/storage/pairs.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::string_view kMode = "lock-mode";
constexpr std::string_view kUntil = "lock-until";
constexpr std::string_view kHold = "lock-hold";
constexpr std::int64_t kMostDays = 36'500, kMostYears = 100;

bool is_mode(std::string_view mode) {
  return mode == "GOVERNANCE" || mode == "COMPLIANCE";
}

std::int64_t number_of(std::string_view digits) {
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

WallTime time_of(const Document& seconds) {
  return from_millis(static_cast<std::int64_t>(seconds.get<double>() * 1000));
}

Reply<void> check_future(WallTime until, WallTime now) {
  if (now < until) return {};
  return errors::invalid_argument("The retain until date must be in the future!");
}

/// Days or Years of a default retention, exactly one of them.
Reply<std::int64_t> days_of(const Document& retention) {
  const bool days = retention.contains("Days"), years = retention.contains("Years");
  if (days == years) return errors::malformed_xml();
  const auto given = retention.at(days ? "Days" : "Years").get<std::int64_t>();
  if (given <= 0)
    return errors::invalid_retention_period("Default retention period must be a positive integer value");
  if (given > (days ? kMostDays : kMostYears))
    return errors::invalid_retention_period("Default retention period too large");
  return days ? given : given * 365;
}

/// What a bucket's default gives an object that is made now.
Reply<Locks> default_locks(const std::string& setting, WallTime now) {
  Locks locks;
  const auto configuration = Document::parse(setting);
  const auto rule = configuration.find("Rule");
  if (rule == configuration.end()) return locks;
  const auto& retention = rule->at("DefaultRetention");
  TRY(const auto days, days_of(retention));
  locks.mode = retention.at("Mode").get<std::string>();
  locks.until = from_millis(to_millis(now) + days * 86'400'000);
  return locks;
}

}  // namespace

Locks Locks::of(std::string_view extras) {
  Locks locks;
  if (extras.empty()) return locks;
  for (auto& [name, value] : storage::unpack(extras)) {
    if (name == kMode) locks.mode = std::move(value);
    if (name == kUntil) locks.until = from_millis(number_of(value));
    if (name == kHold) locks.hold = std::move(value);
  }
  return locks;
}

std::string Locks::put_into(std::string_view extras) const {
  storage::Pairs pairs;
  for (auto& pair : storage::unpack(extras))
    if (pair.first != kMode && pair.first != kUntil && pair.first != kHold) pairs.push_back(std::move(pair));
  if (!mode.empty()) {
    pairs.emplace_back(kMode, mode);
    pairs.emplace_back(kUntil, std::to_string(to_millis(until)));
  }
  if (!hold.empty()) pairs.emplace_back(kHold, hold);
  return pairs.empty() ? std::string() : storage::pack(pairs);
}

bool Locks::forbid_deletion(WallTime now, bool bypass) const {
  if (hold == "ON") return true;
  return retained(now) && !(bypass && mode == "GOVERNANCE");
}

bool Locks::allow_retention(const Locks& next, WallTime now, bool bypass) const {
  if (!retained(now)) return true;
  const bool as_strict = next.mode == mode && next.until >= until;
  return as_strict || (mode == "GOVERNANCE" && bypass);
}

void Locks::show(Document& fields) const {
  if (!mode.empty()) {
    fields["ObjectLockMode"] = mode;
    fields["ObjectLockRetainUntilDate"] = to_epoch_seconds(until);
  }
  if (!hold.empty()) fields["ObjectLockLegalHoldStatus"] = hold;
}

Reply<Locks> locks_for_new(const Document& params, const std::optional<std::string>& setting, WallTime now) {
  Locks locks;
  const bool mode = params.contains("ObjectLockMode"), until = params.contains("ObjectLockRetainUntilDate");
  locks.hold = params.value("ObjectLockLegalHoldStatus", "");
  if ((mode || until || !locks.hold.empty()) && !setting) return errors::no_object_lock();
  if (!setting) return locks;
  if (mode != until)
    return errors::invalid_argument(
        "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied");
  if (!locks.hold.empty() && locks.hold != "ON" && locks.hold != "OFF")
    return errors::invalid_argument("Legal Hold must be either of 'ON' or 'OFF'");
  if (!mode) {
    TRY(const auto standing, default_locks(*setting, now));
    locks.mode = standing.mode;
    locks.until = standing.until;
    return locks;
  }
  locks.mode = params.at("ObjectLockMode").get<std::string>();
  if (!is_mode(locks.mode)) return errors::invalid_argument("Unknown wormMode directive.");
  locks.until = time_of(params.at("ObjectLockRetainUntilDate"));
  TRY(check_future(locks.until, now));
  return locks;
}

Reply<Locks> retention_from(const Document& params, WallTime now) {
  const auto given = params.find("Retention");
  if (given == params.end()) return errors::malformed_xml();
  Locks locks;
  if (!given->contains("Mode") && !given->contains("RetainUntilDate")) return locks;
  locks.mode = given->value("Mode", "");
  if (!is_mode(locks.mode) || !given->contains("RetainUntilDate")) return errors::malformed_xml();
  locks.until = time_of(given->at("RetainUntilDate"));
  TRY(check_future(locks.until, now));
  return locks;
}

Reply<Document> lock_configuration_from(const Document& params) {
  const auto given = params.find("ObjectLockConfiguration");
  if (given == params.end() || given->value("ObjectLockEnabled", "") != "Enabled")
    return errors::malformed_xml();
  const auto rule = given->find("Rule");
  if (rule == given->end()) return *given;
  const auto retention = rule->find("DefaultRetention");
  if (retention == rule->end() || !is_mode(retention->value("Mode", ""))) return errors::malformed_xml();
  TRY(days_of(*retention));
  return *given;
}

}  // namespace sagelet::s3
