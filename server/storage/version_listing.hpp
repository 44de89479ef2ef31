#pragma once
// A page of a bucket's versions: keys in the order of their bytes, within a key the newest first. Like a page
// of keys it is found by seeking; its cost does not depend on the bucket.
#include <cstdint>
#include <string>
#include <vector>

#include "server/storage/listing.hpp"
#include "server/storage/object_rows.hpp"

namespace sagelet::storage {

struct VersionQuery {
  std::string prefix;
  std::string delimiter;
  std::string after_key;  ///< keys strictly after this; its older versions too when `after_version` is given
  std::optional<std::string> after_version;  ///< "": null. One that is gone lets all of the key's come again.
  std::size_t limit = 1000;
};

struct ListedVersion {
  ListedObject object;
  std::string version;  ///< "": null
  bool marker = false;
  bool latest = false;
};

struct VersionPage {
  std::vector<ListedVersion> versions;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string last_key;      ///< the next page's `after_key`
  std::string last_version;  ///< its `after_version`; meaningless after a common prefix
  bool ends_with_prefix = false;
};

Result<VersionPage> list_versions(Connection& db, std::int64_t bucket, const VersionQuery& query);

}  // namespace sagelet::storage
