#include "runner/inputs/order.hpp"

#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace sagelet::runner {
namespace {

std::vector<std::uint32_t> shuffled(std::uint32_t count, std::uint64_t seed, std::uint64_t epoch) {
  std::vector<std::uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0u);
  std::seed_seq words{seed & 0xffffffff, seed >> 32, epoch};
  std::mt19937_64 random(words);
  for (std::size_t i = count; i > 1; --i) std::swap(all[i - 1], all[random() % i]);
  return all;
}

}  // namespace

Status Order::each(std::uint32_t count, std::uint64_t epoch,
                   const std::function<Status(std::uint32_t)>& visit) const {
  const auto all = shuffle ? shuffled(count, seed, epoch) : std::vector<std::uint32_t>();
  for (std::uint32_t i = 0; i < count; ++i)
    if (is_mine(i)) TRY(visit(shuffle ? all[i] : i));
  return {};
}

}  // namespace sagelet::runner
