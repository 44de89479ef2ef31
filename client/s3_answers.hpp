#pragma once
// What S3 answers in XML, as those read it who call it: the runner our server, the server an upstream store.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sagelet::client {

/// Both empty when the body says nothing of the kind.
struct S3Failure {
  std::string code, message;
};
S3Failure read_s3_failure(std::string_view body);

struct S3Listed {
  std::string key;
  std::uint64_t size = 0;
  std::string etag;  ///< without quotes
  std::string modified;
  std::string storage_class;
};

/// A page of either version of ListObjects, asked for with encoding-type=url; what was encoded is plain.
struct S3Page {
  std::vector<S3Listed> objects;
  std::vector<std::string> prefixes;
  bool truncated = false;
  std::string next;  ///< NextContinuationToken, or NextMarker (plain)
};
/// kInvalid when it is not XML.
Result<S3Page> read_s3_page(std::string_view body);

}  // namespace sagelet::client
