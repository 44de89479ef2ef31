#pragma once
// The rules of a bucket's lifecycle, without state: what they say of one object, version, marker or upload.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "server/model/call.hpp"
#include "server/storage/pairs.hpp"

namespace sagelet::s3::lifecycle {

/// The bucket setting that holds its LifecycleConfiguration as JSON.
constexpr const char* kSetting = "lifecycle";

/// When rules act. As in AWS that is the first midnight (UTC) at which so many days have passed; where a day
/// is configured shorter, to watch rules work, it is the first eighth of a day.
struct Calendar {
  std::chrono::milliseconds day = std::chrono::hours(24);

  std::chrono::milliseconds step() const { return day >= std::chrono::hours(24) ? day : day / 8; }
  WallTime due(WallTime from, std::int64_t days) const;
  /// The first moment after `now` at which anything can fall due.
  WallTime next_run(WallTime now) const;
  /// When rules that are put at `now` act first: never at once, as in AWS.
  WallTime first_run(WallTime now) const;
};

/// Everything named must hold.
struct Filter {
  std::string prefix;
  storage::Pairs tags;
  std::optional<std::uint64_t> larger_than, smaller_than;

  bool by_prefix_alone() const { return tags.empty() && !larger_than && !smaller_than; }
};

/// One of the two.
struct When {
  std::optional<std::int64_t> days;
  std::optional<WallTime> date;
};

struct Transition {
  When when;
  std::string storage_class;
  std::int64_t newer = 0;  ///< noncurrent versions that are kept as they are
};

struct NoncurrentExpiration {
  std::int64_t days = 0;
  std::int64_t newer = 0;  ///< noncurrent versions that stay
};

struct Rule {
  std::string id;
  Filter filter;
  std::optional<When> expiration;
  bool expired_markers = false;
  std::vector<Transition> transitions, noncurrent_transitions;
  std::optional<NoncurrentExpiration> noncurrent_expiration;
  std::optional<std::int64_t> abort_uploads_after;  ///< days
};

/// The rules that are enabled.
struct Rules {
  std::vector<Rule> rules;
  std::uint64_t least_moved = 0;   ///< smaller objects are not moved to another storage class ...
  bool archives_take_all = false;  ///< ... but to an archive
};

/// What a rule looks at.
struct Subject {
  std::string key;
  std::uint64_t size = 0;
  WallTime modified;
  std::string tags;  ///< packed pairs
  std::string storage_class;
};

/// A LifecycleConfiguration as PutBucketLifecycleConfiguration has it, checked, ids added: what is stored.
Reply<Document> configuration_from(const Document& params, Ids& ids);
/// Of a stored one.
Rules rules_from(std::string_view json);

struct Due {
  WallTime at;
  std::string rule;  ///< its id
};

/// When the newest version of a key expires.
std::optional<Due> expiration(const Rules& rules, const Subject& object, const Calendar& calendar);
/// When an unfinished upload is aborted.
std::optional<Due> abortion(const Rules& rules, std::string_view key, WallTime started,
                            const Calendar& calendar);
/// Does a delete marker that hides nothing any more go?
bool marker_expires(const Rules& rules, const Subject& marker, WallTime now, const Calendar& calendar);
/// Does a version go that was replaced at `since`, and that `newer` noncurrent ones are newer than?
bool noncurrent_expires(const Rules& rules, const Subject& version, WallTime since, std::int64_t newer,
                        WallTime now, const Calendar& calendar);
/// The storage class that it should have by now; empty: the one it has. `since` as above, nullopt: the
/// newest.
std::string moves_to(const Rules& rules, const Subject& version, std::optional<WallTime> since,
                     std::int64_t newer, WallTime now, const Calendar& calendar);

/// x-amz-expiration: expiry-date="...", rule-id="...".
std::string expiration_header(const Due& due);

}  // namespace sagelet::s3::lifecycle
