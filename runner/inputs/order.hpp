#pragma once
// Which of a channel's items a host gets, and in which order.
#include <cstdint>
#include <functional>

#include "base/result.hpp"

namespace sagelet::runner {

struct Order {
  bool shuffle = false;
  std::uint64_t seed = 0;
  std::size_t host = 0, hosts = 1;  ///< hosts 1: everything

  /// Where nothing is shuffled, item i is host i mod hosts'.
  bool is_mine(std::size_t i) const { return hosts <= 1 || i % hosts == host; }
  /// Positions among `count` items for `epoch`, one after the other. Every host computes the same order of
  /// all and takes each hosts-th, so shards change with the epochs and never overlap. Shuffling takes 4 bytes
  /// of memory an item, all else none.
  Status each(std::uint32_t count, std::uint64_t epoch,
              const std::function<Status(std::uint32_t)>& visit) const;
};

}  // namespace sagelet::runner
