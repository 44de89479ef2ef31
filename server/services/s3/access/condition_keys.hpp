#pragma once
// The condition keys that a bucket policy may name.
#include <string_view>

namespace sagelet::s3 {

/// aws:..., keys of other services, and those of S3 that there are. Case does not matter.
bool known_condition_key(std::string_view key);

/// Does the key (in lower case) say who calls or from where, so that fixed values of it keep the public out?
bool key_of_caller(std::string_view key);

}  // namespace sagelet::s3
