#pragma once
// Buckets that were looked up lately: every write asks for its bucket first, and a query costs a reader its
// pages whenever something was written since.
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "server/storage/object_rows.hpp"
#include "server/storage/recent_objects.hpp"

namespace sagelet::storage {

/// Thread-safe.
class RecentBuckets {
 public:
  static constexpr std::size_t kSlots = 64;

  /// Of buckets or their settings. While one is on its way nothing is taken from here.
  Changes& changes() { return changes_; }
  /// `version` was taken before the query that gave `bucket`.
  void keep(std::uint64_t version, const Bucket& bucket);
  std::optional<Bucket> find(std::string_view name);

 private:
  struct Slot {
    std::mutex mutex;
    std::uint64_t version = 0;
    std::shared_ptr<const Bucket> bucket;
  };
  Slot& slot_of(std::string_view name) { return slots_[std::hash<std::string_view>()(name) % kSlots]; }

  Changes changes_;
  std::array<Slot, kSlots> slots_;
};

}  // namespace sagelet::storage
