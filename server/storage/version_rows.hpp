#pragma once
// Versions of objects. The table `objects` holds each key's newest version unless that is a delete marker;
// `versions` holds everything else. Within a key the higher `seq` is the newer, and a row of `objects` is
// newer than all of its key's in `versions`. The version "" is the one that S3 calls null.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/storage/object_rows.hpp"

namespace sagelet::storage {

/// Puts `row` as its key's newest version. With an empty `row.version` it replaces the null version, as a
/// bucket does that never was versioned or is suspended; the others stay. Sets `row.seq`.
Status put_version(Connection& db, const Bucket& bucket, ObjectRow& row, Freed& freed);

/// Hides the key behind a delete marker. With an empty `version` the marker replaces the null version.
Status put_marker(Connection& db, std::int64_t bucket, std::string_view key, std::string_view version,
                  WallTime now, Freed& freed);

/// Removes one version for good; the next newest takes its place. False when there was none.
Result<bool> delete_version(Connection& db, std::int64_t bucket, std::string_view key,
                            std::string_view version, Freed& freed);

/// Any version, delete markers too (`marker`).
Result<std::optional<ObjectRow>> find_version(Connection& db, std::int64_t bucket, std::string_view key,
                                              std::string_view version, InlineBody* body = nullptr);

/// The delete marker that hides the key, if one does.
Result<std::optional<ObjectRow>> hiding_marker(Connection& db, std::int64_t bucket, std::string_view key);

/// False when there is none.
Result<bool> set_version_tags(Connection& db, std::int64_t bucket, std::string_view key,
                              std::string_view version, std::string_view tags);

/// kNotFound when there is none.
Status set_version_extras(Connection& db, std::int64_t bucket, std::string_view key, std::string_view version,
                          std::string_view extras);

}  // namespace sagelet::storage
