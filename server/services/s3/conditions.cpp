#include "server/services/s3/conditions.hpp"

#include <cmath>

#include "base/fs.hpp"
#include "server/services/s3/names.hpp"

namespace sagelet::s3 {

namespace {

/// The member `name`, or of a copy's source the one with `prefix` in front.
auto member_of(const Document& params, std::string_view prefix, std::string_view name) {
  return prefix.empty() ? params.find(name) : params.find(std::string(prefix) + std::string(name));
}

std::optional<std::string> text_member(const Document& params, std::string_view prefix,
                                       std::string_view name) {
  const auto member = member_of(params, prefix, name);
  if (member == params.end() || !member->is_string()) return std::nullopt;
  return member->get<std::string>();
}

std::optional<double> time_member(const Document& params, std::string_view prefix, std::string_view name) {
  const auto member = member_of(params, prefix, name);
  if (member == params.end() || !member->is_number()) return std::nullopt;
  return std::floor(member->get<double>());
}

}  // namespace

bool etag_matches(std::string_view list, std::string_view etag) {
  while (true) {
    const auto comma = list.find(',');
    const auto one = trimmed(list.substr(0, comma));
    if (one == "*" || unquoted(one) == etag) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

ReadConditions ReadConditions::from(const Document& params, std::string_view prefix) {
  ReadConditions conditions;
  conditions.if_match = text_member(params, prefix, "IfMatch");
  conditions.if_none_match = text_member(params, prefix, "IfNoneMatch");
  conditions.modified_since = time_member(params, prefix, "IfModifiedSince");
  conditions.unmodified_since = time_member(params, prefix, "IfUnmodifiedSince");
  return conditions;
}

/// RFC 9110 section 13.2.2: ETags before times.
Reply<void> ReadConditions::check(const storage::ObjectRow& row, bool copy) const {
  const double modified = std::floor(to_epoch_seconds(row.modified));
  if (if_match && !etag_matches(*if_match, row.etag)) return errors::precondition_failed("If-Match");
  if (!if_match && unmodified_since && modified > *unmodified_since)
    return errors::precondition_failed("If-Unmodified-Since");
  const bool same = if_none_match && etag_matches(*if_none_match, row.etag);
  const bool old = !if_none_match && modified_since && modified <= *modified_since;
  if (!same && !old) return {};
  if (copy) return errors::precondition_failed(same ? "If-None-Match" : "If-Modified-Since");
  return errors::not_modified(quoted_etag(row.etag));
}

WriteConditions WriteConditions::from(const Document& params) {
  return {text_member(params, {}, "IfMatch"), text_member(params, {}, "IfNoneMatch")};
}

Status WriteConditions::check(const storage::ObjectRow* row, const std::string& key,
                              const errors::Refusal& refusal) const {
  if (if_match && row == nullptr) return refusal.with(errors::no_such_key(key));
  if (if_match && !etag_matches(*if_match, row->etag))
    return refusal.with(errors::precondition_failed("If-Match"));
  if (if_none_match && row != nullptr && etag_matches(*if_none_match, row->etag))
    return refusal.with(errors::precondition_failed("If-None-Match"));
  return {};
}

}  // namespace sagelet::s3
