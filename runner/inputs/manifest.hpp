#pragma once
// What a ManifestFile and an AugmentedManifestFile say.
#include <string>
#include <string_view>
#include <vector>

#include "runner/calls/s3.hpp"

namespace sagelet::runner {

struct ManifestEntry {
  S3Location place;
  std::string name;  ///< what was appended to the prefix
};

/// [{"prefix": "s3://bucket/some/"}, "relative/a", "b", ...]. Errors say which element is wrong.
Result<std::vector<ManifestEntry>> parse_manifest(std::string_view text);

/// One value of a line of an augmented manifest.
struct AttributeValue {
  bool is_reference = false;  ///< the attribute's name ends in "-ref": the value is an S3 URI
  std::string text;           ///< the URI, or the value's JSON text as it stands in the line
};

/// The attributes called `names`, in that order. A missing one is an error.
Result<std::vector<AttributeValue>> attributes_of(std::string_view line,
                                                  const std::vector<std::string>& names);

/// The lines that are not blank.
std::vector<std::string> lines_of(std::string_view text);

}  // namespace sagelet::runner
