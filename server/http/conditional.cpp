#include "server/http/conditional.hpp"

#include <algorithm>
#include <chrono>

#include "base/time_text.hpp"

namespace sagelet::http {

namespace {

struct Tag {
  std::string_view opaque;
  bool weak = false;
};

Tag parse_tag(std::string_view text) {
  Tag tag;
  tag.weak = text.starts_with("W/");
  if (tag.weak) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  tag.opaque = text;
  return tag;
}

/// Where the list's first element ends: a comma that is not inside quotes.
std::size_t element_end(std::string_view list) {
  bool quoted = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] == '"') quoted = !quoted;
    if (list[i] == ',' && !quoted) return i;
  }
  return list.size();
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

auto seconds_of(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time);
}

bool modified_since(const Validators& current, WallTime since) {
  return seconds_of(current.last_modified) > seconds_of(since);
}

std::optional<std::string> value_of(const Headers& headers, std::string_view prefix, std::string_view name) {
  const std::string full = std::string(prefix) + std::string(name);
  if (!headers.has(full)) return std::nullopt;
  return headers.joined(full);
}

std::optional<WallTime> date_of(const std::optional<std::string>& value) {
  return value ? parse_http_date(*value) : std::nullopt;
}

}  // namespace

bool etag_listed(std::string_view list, std::string_view etag, bool strong) {
  if (without_blanks(list) == "*") return true;
  const Tag wanted = parse_tag(etag);
  while (!list.empty()) {
    const std::size_t end = element_end(list);
    const std::string_view element = without_blanks(list.substr(0, end));
    list.remove_prefix(std::min(list.size(), end + 1));
    if (element.empty()) continue;
    const Tag tag = parse_tag(element);
    if (tag.opaque == wanted.opaque && !(strong && (tag.weak || wanted.weak))) return true;
  }
  return false;
}

Conditions Conditions::from(const Headers& headers, std::string_view prefix) {
  Conditions all;
  all.if_match = value_of(headers, prefix, "if-match");
  all.if_none_match = value_of(headers, prefix, "if-none-match");
  all.if_modified_since = value_of(headers, prefix, "if-modified-since");
  all.if_unmodified_since = value_of(headers, prefix, "if-unmodified-since");
  return all;
}

Verdict Conditions::judge(const std::optional<Validators>& current, bool reading) const {
  if (if_match) {
    if (!current || !etag_listed(*if_match, current->etag, true)) return Verdict::kPreconditionFailed;
  } else if (const auto since = date_of(if_unmodified_since)) {
    if (current && modified_since(*current, *since)) return Verdict::kPreconditionFailed;
  }
  const Verdict refusal = reading ? Verdict::kNotModified : Verdict::kPreconditionFailed;
  if (if_none_match)
    return current && etag_listed(*if_none_match, current->etag, false) ? refusal : Verdict::kProceed;
  if (const auto since = date_of(if_modified_since); since && reading) {
    if (current && !modified_since(*current, *since)) return Verdict::kNotModified;
  }
  return Verdict::kProceed;
}

bool if_range_holds(const Headers& headers, const Validators& current) {
  const auto value = headers.find("If-Range");
  if (!value) return true;
  if (const auto date = parse_http_date(*value))
    return seconds_of(current.last_modified) == seconds_of(*date);
  return *value != "*" && etag_listed(*value, current.etag, true);
}

}  // namespace sagelet::http
