#include "server/services/s3/ranges.hpp"

#include <algorithm>
#include <charconv>

#include "base/fs.hpp"
#include "fmt/format.h"
#include "server/services/s3/errors.hpp"

namespace sagelet::s3 {

namespace {

/// Nothing but digits; values beyond 64 bits count as the largest.
std::optional<std::uint64_t> number_of(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc()) return UINT64_MAX;
  return value;
}

struct Bounds {
  std::optional<std::uint64_t> first, last;
};

/// "bytes=a-b", "bytes=a-", "bytes=-n".
std::optional<Bounds> parse(std::string_view header) {
  constexpr std::string_view kUnit = "bytes=";
  header = trimmed(header);
  if (!header.starts_with(kUnit)) return std::nullopt;
  header.remove_prefix(kUnit.size());
  const auto dash = header.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto left = trimmed(header.substr(0, dash));
  const auto right = trimmed(header.substr(dash + 1));
  const Bounds bounds{number_of(left), number_of(right)};
  if ((!left.empty() && !bounds.first) || (!right.empty() && !bounds.last)) return std::nullopt;
  if (left.empty() && right.empty()) return std::nullopt;
  if (bounds.first && bounds.last && *bounds.first > *bounds.last) return std::nullopt;
  return bounds;
}

}  // namespace

Reply<std::optional<Stretch>> range_of(std::string_view header, std::uint64_t size) {
  const auto bounds = header.empty() ? std::nullopt : parse(header);
  if (!bounds) return std::optional<Stretch>();
  if (!bounds->first) {
    const auto length = std::min(*bounds->last, size);
    if (length == 0) return errors::invalid_range(header, size);
    return std::optional(Stretch{size - length, length});
  }
  if (*bounds->first >= size) return errors::invalid_range(header, size);
  const auto last = std::min(bounds->last.value_or(size - 1), size - 1);
  return std::optional(Stretch{*bounds->first, last - *bounds->first + 1});
}

Reply<std::optional<Stretch>> copy_range_of(std::string_view header, std::uint64_t size) {
  if (header.empty()) return std::optional<Stretch>();
  const auto bounds = parse(header);
  if (!bounds || !bounds->first || !bounds->last)
    return errors::invalid_argument(
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
        "zero-based offsets of the first and last bytes to copy",
        "x-amz-copy-source-range", header);
  if (*bounds->last >= size) return errors::invalid_range(header, size);
  return std::optional(Stretch{*bounds->first, *bounds->last - *bounds->first + 1});
}

std::string content_range(const Stretch& stretch, std::uint64_t size) {
  return fmt::format("bytes {}-{}/{}", stretch.offset, stretch.offset + stretch.length - 1, size);
}

}  // namespace sagelet::s3
