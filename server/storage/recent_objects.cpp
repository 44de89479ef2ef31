#include "server/storage/recent_objects.hpp"

#include <functional>

namespace sagelet::storage {

namespace {

/// As a query would have answered: without the bytes when they are not wanted.
ObjectStore::Found copy_of(const ObjectStore::Found& kept, ObjectStore::Want want) {
  if (want == ObjectStore::Want::kBytes) return kept;
  ObjectStore::Found found;
  found.bucket = kept.bucket;
  found.object.emplace();
  found.object->row = kept.object->row;
  found.object->parts = kept.object->parts;
  return found;
}

}  // namespace

RecentObjects::Slot& RecentObjects::slot_of(std::string_view bucket, std::string_view key) {
  const std::hash<std::string_view> hash;
  return slots_[(hash(bucket) * 31 + hash(key)) % kSlots];
}

void RecentObjects::keep(std::uint64_t version, const ObjectStore::Found& found, ObjectStore::Want want) {
  if (!found.bucket || !found.object) return;
  const OpenObject& object = *found.object;
  const bool with_bytes = want == ObjectStore::Want::kBytes;
  if (with_bytes && (!object.in_memory || object.bytes.size() > kLargest)) return;
  auto kept = std::make_shared<const ObjectStore::Found>(found);
  Slot& slot = slot_of(found.bucket->name, found.object->row.key);
  const std::lock_guard lock(slot.mutex);
  slot.version = version;
  slot.found.swap(kept);
}

std::optional<ObjectStore::Found> RecentObjects::find(std::string_view bucket, std::string_view key,
                                                      ObjectStore::Want want) {
  const auto now = version();
  if (!now) return std::nullopt;
  std::shared_ptr<const ObjectStore::Found> kept;
  {
    Slot& slot = slot_of(bucket, key);
    const std::lock_guard lock(slot.mutex);
    if (slot.version == *now) kept = slot.found;
  }
  if (!kept || kept->object->row.key != key || kept->bucket->name != bucket) return std::nullopt;
  if (want == ObjectStore::Want::kBytes && !kept->object->in_memory) return std::nullopt;
  return copy_of(*kept, want);
}

}  // namespace sagelet::storage
