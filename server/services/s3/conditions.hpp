#pragma once
// If-Match and its kin, for reads, copies and writes.
#include <optional>
#include <string>

#include "server/services/s3/errors.hpp"
#include "server/storage/object_rows.hpp"

namespace sagelet::s3 {

/// A conditional read. Times are compared by whole seconds, as Last-Modified shows them.
struct ReadConditions {
  std::optional<std::string> if_match, if_none_match;
  std::optional<double> modified_since, unmodified_since;

  /// `prefix` is "" or "CopySource".
  static ReadConditions from(const Document& params, std::string_view prefix);
  /// NotModified or PreconditionFailed; copies never answer NotModified.
  Reply<void> check(const storage::ObjectRow& row, bool copy) const;
};

/// A conditional write or delete, judged inside the transaction.
struct WriteConditions {
  std::optional<std::string> if_match, if_none_match;

  static WriteConditions from(const Document& params);
  bool any() const { return if_match || if_none_match; }
  /// `row` null: no such object.
  Status check(const storage::ObjectRow* row, const std::string& key, const errors::Refusal& refusal) const;
};

/// "*" or a list of ETags, quoted or not.
bool etag_matches(std::string_view list, std::string_view etag);

}  // namespace sagelet::s3
