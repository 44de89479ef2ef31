#pragma once
// What a ManifestFile and an AugmentedManifestFile say. Both are read as they come, an entry at a time.
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/calls/s3.hpp"

namespace sagelet::runner {

struct ManifestEntry {
  S3Location place;
  std::string name;  ///< what was appended to the prefix
};
using EachEntry = std::function<Status(ManifestEntry)>;

/// [{"prefix": "s3://bucket/some/"}, "relative/a", "b", ...]. Errors say which element is wrong; those of
/// `each` end the reading.
Status read_manifest(std::FILE* text, const EachEntry& each);
Status read_manifest(std::string_view text, const EachEntry& each);

/// One value of a line of an augmented manifest.
struct AttributeValue {
  bool is_reference = false;  ///< the attribute's name ends in "-ref": the value is an S3 URI
  std::string text;           ///< the URI, or the value's JSON text as it stands in the line
};

/// The attributes called `names`, in that order. A missing one is an error.
Result<std::vector<AttributeValue>> attributes_of(std::string_view line,
                                                  const std::vector<std::string>& names);

/// The lines that are not blank, without blanks around them.
Status each_line(std::FILE* text, const std::function<Status(std::string_view)>& each);

}  // namespace sagelet::runner
