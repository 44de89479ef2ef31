#pragma once
// What lifecycle rules look at: everything in a bucket, in the order of keys, of one key the newest first.
// Found by seeking, a page at a time.
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "server/storage/object_rows.hpp"

namespace sagelet::storage {

struct AgingVersion {
  std::string key;
  std::string version;  ///< "": null
  std::int64_t seq = 0;
  std::uint64_t size = 0;
  WallTime modified;
  std::string storage_class;
  std::string tags;  ///< packed pairs
  bool marker = false;
};

/// Versions of `key` with numbers below `below`, then all later keys.
struct AgingPosition {
  std::string key;
  std::int64_t below = std::numeric_limits<std::int64_t>::max();
};

/// At most `limit` from `from` on; fewer: that was all of them.
Result<std::vector<AgingVersion>> aging_versions(Connection& db, std::int64_t bucket,
                                                 const AgingPosition& from, std::size_t limit);

/// Is it the only one of its key?
Result<bool> is_only_version(Connection& db, std::int64_t bucket, std::string_view key,
                             std::string_view version);

/// kNotFound when there is none.
Status set_storage_class(Connection& db, std::int64_t bucket, std::string_view key, std::string_view version,
                         std::string_view storage_class);

}  // namespace sagelet::storage
