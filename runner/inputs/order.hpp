#pragma once
// Which of a channel's items a host gets, and in which order.
#include <cstdint>
#include <vector>

namespace sagelet::runner {

struct Order {
  bool shuffle = false;
  std::uint64_t seed = 0;
  std::size_t host = 0, hosts = 1;  ///< hosts 1: everything

  /// Positions among `count` items for `epoch`. Every host computes the same order of all and takes each
  /// hosts-th, so shards change with the epochs and never overlap.
  std::vector<std::uint32_t> of(std::size_t count, std::uint64_t epoch) const;
};

}  // namespace sagelet::runner
