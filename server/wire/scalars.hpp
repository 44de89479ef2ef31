#pragma once
// Single values as text: what XML elements, headers, query strings and forms hold.
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "nlohmann/json_fwd.hpp"
#include "server/model/shapes.hpp"

namespace sagelet::wire {

/// The value that `text` spells for a scalar shape, as document.hpp says; nullopt when it spells none (or the
/// shape is no scalar). `format` tells a timestamp's spelling; other known spellings are taken too.
std::optional<nlohmann::json> read_scalar(const model::Shape& shape, std::string_view text);

/// The member's format, else its shape's, else `otherwise`.
model::TimeFormat time_format(const model::Member* member, const model::Shape& shape,
                              model::TimeFormat otherwise);

void append_integer(std::string& out, std::int64_t value);
/// Shortest text that reads back as the same number; NaN, Infinity, -Infinity by name.
void append_real(std::string& out, double value);
/// kDefault counts as kEpoch: seconds, with milliseconds as decimals when there are any.
void append_time(std::string& out, WallTime time, model::TimeFormat format);

/// A Document's timestamp; anything that is no finite number is the epoch.
WallTime time_of(const nlohmann::json& value);
/// A Document's scalar as text (header, query, XML); strings as they are, blobs as base64.
std::string scalar_text(const nlohmann::json& value, const model::Shape& shape, model::TimeFormat format);

/// Bytes that are no UTF-8 are replaced by U+FFFD; valid text is appended as it is.
void append_utf8(std::string& out, std::string_view text);
bool is_utf8(std::string_view text);

}  // namespace sagelet::wire
