#include "server/http/range.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "server/http/headers.hpp"

namespace sagelet::http {

namespace {

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Digits only; beyond 64 bits it is the largest number, which means the same for every real size.
std::optional<std::uint64_t> number(std::string_view text) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (kMost - digit) / 10 ? kMost : value * 10 + digit;
  }
  return value;
}

RangeChoice whole(std::uint64_t size) {
  return {RangeChoice::Kind::kWhole, 0, size};
}

RangeChoice part(std::uint64_t first, std::uint64_t length, std::uint64_t size) {
  if (first >= size || length == 0) return {RangeChoice::Kind::kUnsatisfiable, 0, 0};
  return {RangeChoice::Kind::kPart, first, std::min(length, size - first)};
}

/// The part after "bytes=" when it is one range; empty otherwise.
std::string_view single_spec(std::string_view value) {
  value = without_blanks(value);
  const std::size_t equals = value.find('=');
  if (equals == std::string_view::npos || !same_name(without_blanks(value.substr(0, equals)), "bytes"))
    return {};
  const std::string_view spec = without_blanks(value.substr(equals + 1));
  return spec.find(',') == std::string_view::npos ? spec : std::string_view();
}

}  // namespace

RangeChoice choose_range(std::string_view value, std::uint64_t size) {
  const std::string_view spec = single_spec(value);
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return whole(size);
  const std::string_view left = without_blanks(spec.substr(0, dash));
  const std::string_view right = without_blanks(spec.substr(dash + 1));
  const auto first = number(left);
  const auto last = number(right);
  if ((!left.empty() && !first) || (!right.empty() && !last) || (!first && !last)) return whole(size);
  if (!first) return part(size - std::min(*last, size), *last, size);
  if (!last) return part(*first, std::numeric_limits<std::uint64_t>::max(), size);
  if (*first > *last) return whole(size);
  const std::uint64_t span = *last - *first;
  return part(*first, span == std::numeric_limits<std::uint64_t>::max() ? span : span + 1, size);
}

std::string content_range(const RangeChoice& choice, std::uint64_t size) {
  if (choice.kind == RangeChoice::Kind::kUnsatisfiable) return "bytes */" + std::to_string(size);
  return "bytes " + std::to_string(choice.first) + "-" + std::to_string(choice.first + choice.length - 1) +
         "/" + std::to_string(size);
}

}  // namespace sagelet::http
