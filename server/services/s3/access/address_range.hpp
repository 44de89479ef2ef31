#pragma once
// Addresses and CIDR ranges, as aws:SourceIp compares them.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sagelet::s3 {

/// A range of IPv4 or IPv6 addresses; without "/bits" just one. An IPv4 address mapped into IPv6 is the IPv4
/// address.
class AddressRange {
 public:
  static std::optional<AddressRange> parse(std::string_view text);

  bool contains(const AddressRange& other) const;
  /// Wider than AWS takes for a fixed set: beyond /8 (IPv4) or /32 (IPv6).
  bool very_broad() const;

 private:
  bool v4_ = true;
  unsigned bits_ = 0;
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace sagelet::s3
