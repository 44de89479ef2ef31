#pragma once
// Names of the buckets that may have a setting, in memory: requests to all others ask nothing of the ledger.
#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace sagelet::s3 {

/// Thread-safe. A name stays when its bucket or the setting goes: then the ledger says that there is none.
class BucketNames {
 public:
  /// To be called before the setting is there.
  void add(std::string_view name) {
    const std::unique_lock lock(mutex_);
    names_.emplace(name);
    any_ = true;
  }
  bool any() const { return any_; }
  bool may_have(std::string_view name) const {
    if (!any_) return false;
    const std::shared_lock lock(mutex_);
    return names_.contains(std::string(name));
  }

 private:
  std::atomic<bool> any_{false};
  mutable std::shared_mutex mutex_;
  std::unordered_set<std::string> names_;
};

}  // namespace sagelet::s3
