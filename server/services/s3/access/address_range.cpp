#include "server/services/s3/access/address_range.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace sagelet::s3 {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const auto slash = text.find('/');
  const std::string address(text.substr(0, slash));
  AddressRange range;
  if (inet_pton(AF_INET, address.c_str(), range.bytes_.data()) == 1) {
    range.bits_ = 32;
  } else if (inet_pton(AF_INET6, address.c_str(), range.bytes_.data()) == 1) {
    range.v4_ = false;
    range.bits_ = 128;
  } else {
    return std::nullopt;
  }
  if (slash != text.npos) {
    const auto digits = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits > range.bits_)
      return std::nullopt;
    range.bits_ = bits;
  }
  if (!range.v4_ && range.bits_ >= 96 && std::equal(kMapped.begin(), kMapped.end(), range.bytes_.begin())) {
    std::copy(range.bytes_.begin() + 12, range.bytes_.end(), range.bytes_.begin());
    range.v4_ = true;
    range.bits_ -= 96;
  }
  return range;
}

bool AddressRange::contains(const AddressRange& other) const {
  if (v4_ != other.v4_ || other.bits_ < bits_) return false;
  const unsigned whole = bits_ / 8, rest = bits_ % 8;
  if (!std::equal(bytes_.begin(), bytes_.begin() + whole, other.bytes_.begin())) return false;
  return rest == 0 || (bytes_[whole] ^ other.bytes_[whole]) >> (8 - rest) == 0;
}

bool AddressRange::very_broad() const {
  return bits_ < (v4_ ? 8U : 32U);
}

}  // namespace sagelet::s3
