#pragma once
// What we keep of the upstream store: objects of hidden buckets in the ledger, that nobody can name or own.
#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "server/services/s3/upstream/options.hpp"
#include "server/storage/objects.hpp"

namespace sagelet::s3::upstream {

/// Thread-safe. A kept object has the upstream's ETag, time and headers, and all its bytes. Over the limit
/// those go that were not used for longest.
class Cache {
 public:
  Cache(const Options& options, storage::ObjectStore& objects, const Clock& clock);

  Result<std::optional<storage::OpenObject>> find(const std::string& bucket, const std::string& key,
                                                  storage::ObjectStore::Want want);
  /// Was it compared with the upstream's within `revalidate_after`, by this process?
  bool is_fresh(const std::string& bucket, const std::string& key);
  void mark_fresh(const std::string& bucket, const std::string& key);
  /// Waits until it is kept.
  Status keep(const std::string& bucket, storage::ObjectRow row, storage::Staged staged);
  Status forget(const std::string& bucket, const std::string& key);

 private:
  using Name = std::pair<std::string, std::string>;  ///< bucket, key
  struct Entry {
    Name name;
    std::uint64_t size = 0;
    std::optional<SteadyTime> checked;
  };
  Status look_through();
  Status remove(const Name& name);
  void add(const Name& name, std::uint64_t size, std::optional<SteadyTime> checked);
  void drop(const Name& name);
  Status shrink();

  const std::uint64_t limit_;
  const std::chrono::seconds revalidate_after_;
  storage::ObjectStore& objects_;
  const Clock& clock_;
  std::mutex mutex_;
  bool looked_through_ = false;
  std::list<Entry> entries_;  ///< the one used last is the first
  std::map<Name, std::list<Entry>::iterator> by_name_;
  std::uint64_t total_ = 0;
  std::atomic<std::uint64_t> added_ = 0;  ///< times that something was
};

}  // namespace sagelet::s3::upstream
