#pragma once
// Buckets of another S3 store, seen through us: read through a cache, and written through if the config says
// so.
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "server/services/s3/ranges.hpp"
#include "server/services/s3/upstream/cache.hpp"
#include "server/services/s3/upstream/fetch.hpp"
#include "server/services/s3/upstream/remote.hpp"

namespace sagelet::s3::upstream {

/// Thread-safe; all but covers() may wait for the store. What is cached is compared with the store's by its
/// ETag when `revalidate_after` has passed; while the store does not answer it is served as it is.
class Upstream {
 public:
  Upstream(Options options, storage::ObjectStore& objects, const Clock& clock);

  /// Is a bucket of this name, when it is not ours, one of the store's?
  bool covers(std::string_view bucket) const;
  bool write_through() const { return remote_.options().write_through; }
  const std::string& url() const { return remote_.options().url; }
  const std::string& region() const { return remote_.options().region; }

  /// The record, and the bytes when they are `cached`.
  struct Found {
    storage::OpenObject object;
    bool cached = false;
  };
  Reply<Found> find(const std::string& bucket, const std::string& key);
  /// The same with its bytes, which are fetched if they are not there.
  Reply<storage::OpenObject> open(const std::string& bucket, const std::string& key);
  /// A stretch of an object that is not cached. The whole of one is kept while it streams, when it fits.
  Reply<std::shared_ptr<http::PullStream>> stream(const std::string& bucket, const storage::ObjectRow& row,
                                                  const Stretch& stretch);

  Reply<void> head_bucket(std::string_view bucket) { return remote_.head_bucket(bucket); }
  Reply<storage::ListPage> list(std::string_view bucket, const storage::ListQuery& query, bool v1) {
    return remote_.list(bucket, query, v1);
  }

  /// Written to the store first, then kept. Gives the store's ETag.
  Reply<std::string> put(const std::string& bucket, storage::ObjectRow row, storage::Staged staged,
                         std::vector<std::pair<std::string, std::string>> conditions);
  Reply<void> remove(const std::string& bucket, const std::string& key);

 private:
  using Name = std::pair<std::string, std::string>;
  Reply<Found> revalidated(const std::string& bucket, const std::string& key, storage::OpenObject cached);
  std::optional<Keeping> keeping(const std::string& bucket, storage::ObjectRow row);

  storage::ObjectStore& objects_;
  Remote remote_;
  Cache cache_;
  std::mutex mutex_;
  std::set<Name> under_way_;  ///< being fetched and kept
  Fetches fetches_;           ///< the last: its threads use all the others
};

}  // namespace sagelet::s3::upstream
