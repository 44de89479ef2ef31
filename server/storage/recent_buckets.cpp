#include "server/storage/recent_buckets.hpp"

#include <utility>

namespace sagelet::storage {

void RecentBuckets::keep(std::uint64_t version, const Bucket& bucket) {
  auto kept = std::make_shared<const Bucket>(bucket);
  Slot& slot = slot_of(bucket.name);
  const std::lock_guard lock(slot.mutex);
  slot.version = version;
  slot.bucket.swap(kept);
}

std::optional<Bucket> RecentBuckets::find(std::string_view name) {
  const auto now = changes_.version();
  if (!now) return std::nullopt;
  std::shared_ptr<const Bucket> kept;
  {
    Slot& slot = slot_of(name);
    const std::lock_guard lock(slot.mutex);
    if (slot.version == *now) kept = slot.bucket;
  }
  if (!kept || kept->name != name) return std::nullopt;
  return *kept;
}

}  // namespace sagelet::storage
