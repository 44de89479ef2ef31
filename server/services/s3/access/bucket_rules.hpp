#pragma once
// What a bucket's settings say about who may use it.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/services/s3/access/acl.hpp"
#include "server/storage/object_rows.hpp"

namespace sagelet::s3 {

/// Kinds of bucket settings.
constexpr const char* kAclSetting = "acl";                           ///< packed grants
constexpr const char* kOwnershipSetting = "ownership";               ///< ownership_name(), or "" when deleted
constexpr const char* kPublicAccessSetting = "public-access-block";  ///< JSON
constexpr const char* kPolicySetting = "policy";                     ///< its text

/// Who owns what others put into the bucket. ACLs count for nothing with kBucketOwnerEnforced.
enum class Ownership : std::uint8_t { kBucketOwnerEnforced, kBucketOwnerPreferred, kObjectWriter };
std::string_view ownership_name(Ownership ownership);
std::optional<Ownership> ownership_from(std::string_view name);

struct PublicAccessBlock {
  bool block_public_acls = false;
  bool ignore_public_acls = false;
  bool block_public_policy = false;
  bool restrict_public_buckets = false;
};

struct BucketRules {
  /// A bucket that says nothing has ACLs off, as every new bucket since 2023.
  Ownership ownership = Ownership::kBucketOwnerEnforced;
  std::optional<Grants> grants;  ///< its ACL; none: the owner's FULL_CONTROL
  PublicAccessBlock block;
  std::optional<std::string> policy;

  bool acls() const { return ownership != Ownership::kBucketOwnerEnforced; }
};

/// Takes no query for what the bucket does not have.
Result<BucketRules> bucket_rules(storage::Connection& db, const storage::Bucket& bucket);

/// Those of a new bucket: ownership and ACL.
Status keep_rules(storage::Connection& db, std::int64_t bucket, const BucketRules& rules);

}  // namespace sagelet::s3
