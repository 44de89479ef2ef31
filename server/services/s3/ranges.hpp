#pragma once
// The Range header of a read.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/model/call.hpp"

namespace sagelet::s3 {

struct Stretch {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  bool operator==(const Stretch&) const = default;
};

/// nullopt: answer the whole (no header, several ranges, or one that is not understood: RFC 9110 14.2). A
/// range that lies behind the end is InvalidRange.
Reply<std::optional<Stretch>> range_of(std::string_view header, std::uint64_t size);
/// x-amz-copy-source-range: "bytes=first-last", both given and inside.
Reply<std::optional<Stretch>> copy_range_of(std::string_view header, std::uint64_t size);
/// "bytes 0-99/1000"
std::string content_range(const Stretch& stretch, std::uint64_t size);

}  // namespace sagelet::s3
