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

/// Tells whether anything has changed since. Thread-safe.
class Changes {
 public:
  /// Around every change: before a reader can see it, and after every reader can but before it is
  /// acknowledged.
  void begin() { ++begun_; }
  void end() { ++ended_; }
  /// Nothing while a change is on its way. In this order: when both are equal, none was as the first was
  /// read.
  std::optional<std::uint64_t> version() const {
    const auto ended = ended_.load();
    if (begun_.load() != ended) return std::nullopt;
    return ended;
  }

 private:
  std::atomic<std::uint64_t> begun_{0};
  std::atomic<std::uint64_t> ended_{0};
};

/// Thread-safe. Holds at most kSlots bodies of kLargest bytes.
class RecentObjects {
 public:
  static constexpr std::size_t kSlots = 512;
  static constexpr std::size_t kLargest = 8 * 1024;

  /// Of objects or buckets. While one is on its way nothing is taken from here.
  Changes& changes() { return changes_; }

  /// To be taken before the query whose result is kept.
  std::optional<std::uint64_t> version() const { return changes_.version(); }
  /// What was found when `want` was asked for. Ignores bodies that are too large, or not in memory.
  void keep(std::uint64_t version, const ObjectStore::Found& found, ObjectStore::Want want);
  std::optional<ObjectStore::Found> find(std::string_view bucket, std::string_view key,
                                         ObjectStore::Want want);

 private:
  struct Slot {
    std::mutex mutex;
    std::uint64_t version = 0;
    std::shared_ptr<const ObjectStore::Found> found;
  };
  Slot& slot_of(std::string_view bucket, std::string_view key);

  Changes changes_;
  std::array<Slot, kSlots> slots_;
};

}  // namespace sagelet::storage
