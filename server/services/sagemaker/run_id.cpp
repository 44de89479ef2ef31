#include "server/services/sagemaker/run_id.hpp"

#include <cstdint>

namespace sagelet::sagemaker {

namespace {

constexpr std::size_t kTime = 8;  ///< milliseconds in base 36: until the year 2059
constexpr std::size_t kRandom = 12;

}  // namespace

std::string run_id(Ids& ids, WallTime now) {
  std::string id(kTime, '0');
  auto left = static_cast<std::uint64_t>(to_millis(now));
  for (auto place = id.rbegin(); place != id.rend(); ++place, left /= 36)
    *place = "0123456789abcdefghijklmnopqrstuvwxyz"[left % 36];
  return id + ids.lower_alnum(kRandom);
}

}  // namespace sagelet::sagemaker
