#pragma once
// How answers name a version.
#include <string_view>

#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

/// VersionId, as a bucket that is or was versioned shows it.
inline void show_version(Document& fields, const storage::Bucket& bucket, std::string_view version) {
  if (bucket.versioning != storage::Versioning::kNever) fields["VersionId"] = shown_version(version);
}

}  // namespace sagelet::s3
