#pragma once
// Tags of objects and buckets.
#include <string>
#include <string_view>

#include "server/model/call.hpp"
#include "server/storage/pairs.hpp"

namespace sagelet::s3 {

constexpr std::size_t kMostObjectTags = 10;
constexpr std::size_t kMostBucketTags = 50;

/// By key, whatever order they came in. From {"TagSet": [{"Key": ..., "Value": ...}]}. InvalidTag for what
/// breaks a rule.
Reply<storage::Pairs> tags_from(const Document& tagging, std::size_t most);
/// From the header x-amz-tagging: "a=b&c=d", URL-encoded.
Reply<storage::Pairs> tags_from_header(std::string_view header);
/// [{"Key": ..., "Value": ...}]
Document tag_set(const storage::Pairs& tags);

}  // namespace sagelet::s3
