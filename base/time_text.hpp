#pragma once
// The timestamp spellings of AWS's protocols and of HTTP. All UTC.
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace sagelet {

std::string iso8601(WallTime time);          ///< 2026-11-24T12:00:00.123Z (milliseconds always shown)
std::string iso8601_seconds(WallTime time);  ///< 2026-11-24T12:00:00Z
std::string http_date(WallTime time);        ///< Tue, 24 Nov 2026 12:00:00 GMT
std::string amz_date(WallTime time);         ///< 20261124T120000Z

/// Any ISO 8601 form the SDKs send: optional fraction, Z or +hh:mm.
std::optional<WallTime> parse_iso8601(std::string_view text);
/// The three forms of RFC 9110.
std::optional<WallTime> parse_http_date(std::string_view text);
std::optional<WallTime> parse_amz_date(std::string_view text);

}  // namespace sagelet
