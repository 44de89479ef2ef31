#pragma once
// What an object carries besides its bytes: Content-* headers, user metadata, encryption, website redirect.
// Kept as pairs of member name and value; user metadata as "meta:<name>".
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "server/model/call.hpp"
#include "server/storage/pairs.hpp"

namespace sagelet::s3 {

/// From a request's members, encryption too (encryption.hpp). MetadataTooLarge over 2 KB of user metadata.
Reply<storage::Pairs> properties_from(const Document& params,
                                      const std::optional<std::string>& bucket_encryption, Ids& ids);
/// The ones that describe the content (replaced as a whole by a copy's REPLACE), without encryption.
storage::Pairs content_properties(const storage::Pairs& all);

/// Everything, for GetObject and HeadObject; `params` are the request's.
void show_properties(Document& fields, const storage::Pairs& properties, const Document& params);

/// STANDARD when absent. InvalidStorageClass for an unknown one.
Reply<std::string> storage_class_from(const Document& params);

}  // namespace sagelet::s3
