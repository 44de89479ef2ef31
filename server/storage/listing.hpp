#pragma once
// A page of a bucket's keys, in the order of their bytes. Its cost depends on the page, never on the bucket.
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::storage {

struct ListedObject {
  std::string key;
  std::uint64_t size = 0;
  WallTime modified;
  std::string etag;
  std::string storage_class;
  std::string checksum;  ///< "<algorithm> <type> <base64>", or empty
};

struct ListQuery {
  std::string prefix;
  std::string delimiter;  ///< empty: no grouping
  std::string after;      ///< keys and common prefixes strictly after this
  std::size_t limit = 1000;
};

struct ListPage {
  std::vector<ListedObject> objects;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string last;  ///< the last key or common prefix on the page: the next page's `after`
};

Result<ListPage> list_objects(Connection& db, std::int64_t bucket, const ListQuery& query);

/// The smallest byte string above every string that begins with `prefix`; empty when there is none.
std::string after_prefix(std::string_view prefix);
/// The common prefix that `key` falls under, or empty.
std::string_view group_of(std::string_view key, std::string_view prefix, std::string_view delimiter);

/// Any key under `prefix`?
Result<bool> any_object_under(Connection& db, std::int64_t bucket, std::string_view prefix);

}  // namespace sagelet::storage
