#include "runner/inputs/order.hpp"

#include <numeric>
#include <random>
#include <utility>

namespace sagelet::runner {

std::vector<std::uint32_t> Order::of(std::size_t count, std::uint64_t epoch) const {
  std::vector<std::uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0u);
  if (shuffle) {
    std::seed_seq words{seed & 0xffffffff, seed >> 32, epoch};
    std::mt19937_64 random(words);
    for (std::size_t i = count; i > 1; --i) std::swap(all[i - 1], all[random() % i]);
  }
  if (hosts <= 1) return all;
  std::vector<std::uint32_t> mine;
  for (std::size_t i = host; i < count; i += hosts) mine.push_back(all[i]);
  return mine;
}

}  // namespace sagelet::runner
