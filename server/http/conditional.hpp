#pragma once
// If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since in the order of RFC 9110 section 13.2.2.
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "server/http/headers.hpp"

namespace sagelet::http {

/// What there is now. The ETag may be written with or without its quotes.
struct Validators {
  std::string_view etag;
  WallTime last_modified;
};

enum class Verdict { kProceed, kNotModified, kPreconditionFailed };

/// The four fields of a request as they were sent.
struct Conditions {
  std::optional<std::string> if_match;
  std::optional<std::string> if_none_match;
  std::optional<std::string> if_modified_since;
  std::optional<std::string> if_unmodified_since;

  /// `prefix` is put in front of the names: "x-amz-copy-source-" for a copy's source.
  static Conditions from(const Headers& headers, std::string_view prefix = {});
  bool any() const { return if_match || if_none_match || if_modified_since || if_unmodified_since; }

  /// `current` is absent when nothing is there: If-Match then fails (S3 says NoSuchKey itself), If-None-Match
  /// holds. `reading` is GET or HEAD: a failed If-None-Match or If-Modified-Since is kNotModified; other
  /// methods get kPreconditionFailed and ignore If-Modified-Since (a copy's source passes reading = true and
  /// answers 412 to both). Dates that cannot be read are ignored; times compare in whole seconds.
  Verdict judge(const std::optional<Validators>& current, bool reading) const;
};

/// Is `etag` in a field's list: `*`, or ETags with or without quotes. Strong comparison never matches a weak
/// (W/) tag.
bool etag_listed(std::string_view list, std::string_view etag, bool strong);

/// If-Range: may the range be served? True without the field.
bool if_range_holds(const Headers& headers, const Validators& current);

}  // namespace sagelet::http
