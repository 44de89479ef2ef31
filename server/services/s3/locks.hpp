#pragma once
// Object lock: what keeps a version from being deleted, and who may loosen that. Kept in a row's `extras`.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/services/s3/errors.hpp"
#include "server/storage/object_rows.hpp"

namespace sagelet::s3 {

/// The bucket setting that is there when a bucket takes locks: its ObjectLockConfiguration as JSON.
constexpr const char* kObjectLock = "object-lock";

/// A version's retention and legal hold.
struct Locks {
  std::string mode;  ///< GOVERNANCE, COMPLIANCE, or empty: no retention
  WallTime until{};
  std::string hold;  ///< ON, OFF, or empty: never said

  static Locks of(std::string_view extras);
  /// `extras` with these locks in place of its own.
  std::string put_into(std::string_view extras) const;

  bool retained(WallTime now) const { return !mode.empty() && now < until; }
  /// May the version not be deleted? `bypass` loosens GOVERNANCE.
  bool forbid_deletion(WallTime now, bool bypass) const;
  /// May these locks' retention become `next`'s? Never looser without `bypass`, COMPLIANCE never at all.
  bool allow_retention(const Locks& next, WallTime now, bool bypass) const;
  void show(Document& fields) const;
};

/// What a new object gets: from its request's members, else from the bucket's default. `setting` is the
/// bucket's kObjectLock; without it InvalidRequest when the request asks for a lock.
Reply<Locks> locks_for_new(const Document& params, const std::optional<std::string>& setting, WallTime now);
/// The Retention structure of PutObjectRetention; an empty one takes retention away.
Reply<Locks> retention_from(const Document& params, WallTime now);
/// A whole ObjectLockConfiguration, checked.
Reply<Document> lock_configuration_from(const Document& params);

}  // namespace sagelet::s3
