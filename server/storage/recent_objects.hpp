#pragma once
// Small objects that were read lately, so that the next reader needs no query. Nothing outlives a change of
// any object: what is found here is what a query would have found at the same moment.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "server/storage/objects.hpp"

namespace sagelet::storage {

/// Thread-safe. Holds at most kSlots bodies of kLargest bytes.
class RecentObjects {
 public:
  static constexpr std::size_t kSlots = 512;
  static constexpr std::size_t kLargest = 8 * 1024;

  /// Around every change of objects or buckets: before a reader can see it, and after every reader can but
  /// before it is acknowledged. In between nothing is taken from here.
  void change_begins() { ++begun_; }
  void change_ended() { ++ended_; }

  /// To be taken before the query whose result is kept; nothing while a change is on its way.
  std::optional<std::uint64_t> version() const;
  /// Ignores what is too large, or not in memory.
  void keep(std::uint64_t version, const ObjectStore::Found& found);
  std::optional<ObjectStore::Found> find(std::string_view bucket, std::string_view key,
                                         ObjectStore::Want want);

 private:
  struct Slot {
    std::mutex mutex;
    std::uint64_t version = 0;
    std::shared_ptr<const ObjectStore::Found> found;
  };
  Slot& slot_of(std::string_view bucket, std::string_view key);

  std::atomic<std::uint64_t> begun_{0};
  std::atomic<std::uint64_t> ended_{0};
  std::array<Slot, kSlots> slots_;
};

}  // namespace sagelet::storage
