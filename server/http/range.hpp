#pragma once
// `Range: bytes=` of one range, by RFC 9110 section 14.
#include <cstdint>
#include <string>
#include <string_view>

namespace sagelet::http {

struct RangeChoice {
  enum class Kind {
    kWhole,          ///< no range, another unit, malformed, or several ranges: answer 200 with everything
    kPart,           ///< answer 206 with `length` bytes from `first`
    kUnsatisfiable,  ///< answer 416
  };
  Kind kind = Kind::kWhole;
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};

/// What the field's value asks of a representation of `size` bytes. Whole: first 0, length `size`. Nothing
/// can be satisfied of an empty representation.
RangeChoice choose_range(std::string_view value, std::uint64_t size);

/// "bytes 0-99/1234"; for an unsatisfiable choice "bytes */1234".
std::string content_range(const RangeChoice& choice, std::uint64_t size);

}  // namespace sagelet::http
