#pragma once
// Versions: how answers name one, how a new one gets its name, what a delete without a version does.
#include <string_view>

#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

/// VersionId of a new version: as on AWS none where versioning is suspended.
inline void show_new_version(Document& fields, std::string_view version) {
  if (!version.empty()) fields["VersionId"] = version;
}

/// VersionId of what is there: "null" where a bucket is or was versioned and this one is not.
inline void show_version(Document& fields, const storage::Bucket& bucket, std::string_view version) {
  if (bucket.versioning != storage::Versioning::kNever) fields["VersionId"] = shown_version(version);
}

/// The name of a version that is about to be made in `bucket`: "" for the null version.
std::string new_version(const storage::Bucket& bucket, Ids& ids);

/// Inside a change: hides the key, or removes it where nothing is kept. `marker` is a marker's name if one is
/// made. False when nothing was there to be removed.
Result<bool> hide_or_remove(Connection& db, const storage::Bucket& bucket, const std::string& key,
                            const std::string& marker, WallTime now, Freed& freed);

}  // namespace sagelet::s3
