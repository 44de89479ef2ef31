#pragma once
// S3's actions under the names that policies use, and which grant of an ACL allows each.
#include <cstdint>
#include <string_view>

namespace sagelet::s3 {

/// What a grant allows; FULL_CONTROL is all of it.
enum class Permission : std::uint8_t {
  kRead = 1,
  kWrite = 2,
  kReadAcp = 4,
  kWriteAcp = 8,
  kFullControl = 15
};

/// Whose ACL may allow an action. Of kNobody's, only owners and the policy allow it.
enum class GrantedBy : std::uint8_t { kNobody, kBucket, kObject };

struct Action {
  std::string_view name;       ///< "s3:GetObject"
  std::string_view versioned;  ///< its name when the call names a version: "s3:GetObjectVersion"
  bool of_object;              ///< its resource is <bucket>/<key>
  GrantedBy by = GrantedBy::kNobody;
  Permission permission = Permission::kFullControl;
};

namespace action {

constexpr Action of_bucket(std::string_view name) {
  return {name, name, false};
}
constexpr Action of_bucket(std::string_view name, Permission permission) {
  return {name, name, false, GrantedBy::kBucket, permission};
}
/// Allowed by the bucket's WRITE.
constexpr Action writing(std::string_view name) {
  return {name, name, true, GrantedBy::kBucket, Permission::kWrite};
}
constexpr Action of_object(std::string_view name, std::string_view versioned) {
  return {name, versioned, true};
}
constexpr Action of_object(std::string_view name, std::string_view versioned, Permission permission) {
  return {name, versioned, true, GrantedBy::kObject, permission};
}

inline constexpr auto kListBucket = of_bucket("s3:ListBucket", Permission::kRead);
inline constexpr auto kListBucketVersions = of_bucket("s3:ListBucketVersions", Permission::kRead);
inline constexpr auto kListBucketMultipartUploads =
    of_bucket("s3:ListBucketMultipartUploads", Permission::kRead);
inline constexpr auto kGetBucketAcl = of_bucket("s3:GetBucketAcl", Permission::kReadAcp);
inline constexpr auto kPutBucketAcl = of_bucket("s3:PutBucketAcl", Permission::kWriteAcp);

inline constexpr auto kDeleteBucket = of_bucket("s3:DeleteBucket");
inline constexpr auto kGetBucketLocation = of_bucket("s3:GetBucketLocation");
inline constexpr auto kGetBucketTagging = of_bucket("s3:GetBucketTagging");
inline constexpr auto kPutBucketTagging = of_bucket("s3:PutBucketTagging");
inline constexpr auto kGetEncryptionConfiguration = of_bucket("s3:GetEncryptionConfiguration");
inline constexpr auto kPutEncryptionConfiguration = of_bucket("s3:PutEncryptionConfiguration");
inline constexpr auto kGetBucketPublicAccessBlock = of_bucket("s3:GetBucketPublicAccessBlock");
inline constexpr auto kPutBucketPublicAccessBlock = of_bucket("s3:PutBucketPublicAccessBlock");
inline constexpr auto kGetBucketOwnershipControls = of_bucket("s3:GetBucketOwnershipControls");
inline constexpr auto kPutBucketOwnershipControls = of_bucket("s3:PutBucketOwnershipControls");
inline constexpr auto kGetBucketVersioning = of_bucket("s3:GetBucketVersioning");
inline constexpr auto kPutBucketVersioning = of_bucket("s3:PutBucketVersioning");
inline constexpr auto kGetBucketObjectLockConfiguration = of_bucket("s3:GetBucketObjectLockConfiguration");
inline constexpr auto kPutBucketObjectLockConfiguration = of_bucket("s3:PutBucketObjectLockConfiguration");
inline constexpr auto kGetBucketPolicy = of_bucket("s3:GetBucketPolicy");
inline constexpr auto kPutBucketPolicy = of_bucket("s3:PutBucketPolicy");
inline constexpr auto kDeleteBucketPolicy = of_bucket("s3:DeleteBucketPolicy");
inline constexpr auto kGetBucketPolicyStatus = of_bucket("s3:GetBucketPolicyStatus");
inline constexpr auto kGetBucketCors = of_bucket("s3:GetBucketCORS");
inline constexpr auto kPutBucketCors = of_bucket("s3:PutBucketCORS");
inline constexpr auto kGetLifecycleConfiguration = of_bucket("s3:GetLifecycleConfiguration");
inline constexpr auto kPutLifecycleConfiguration = of_bucket("s3:PutLifecycleConfiguration");
inline constexpr auto kGetBucketNotification = of_bucket("s3:GetBucketNotification");
inline constexpr auto kPutBucketNotification = of_bucket("s3:PutBucketNotification");
inline constexpr auto kGetBucketWebsite = of_bucket("s3:GetBucketWebsite");
inline constexpr auto kPutBucketWebsite = of_bucket("s3:PutBucketWebsite");
inline constexpr auto kDeleteBucketWebsite = of_bucket("s3:DeleteBucketWebsite");
inline constexpr auto kGetBucketLogging = of_bucket("s3:GetBucketLogging");
inline constexpr auto kPutBucketLogging = of_bucket("s3:PutBucketLogging");
inline constexpr auto kGetBucketRequestPayment = of_bucket("s3:GetBucketRequestPayment");
inline constexpr auto kPutBucketRequestPayment = of_bucket("s3:PutBucketRequestPayment");
inline constexpr auto kGetAccelerateConfiguration = of_bucket("s3:GetAccelerateConfiguration");
inline constexpr auto kPutAccelerateConfiguration = of_bucket("s3:PutAccelerateConfiguration");
inline constexpr auto kGetReplicationConfiguration = of_bucket("s3:GetReplicationConfiguration");

inline constexpr auto kPutObject = writing("s3:PutObject");
inline constexpr auto kAbortMultipartUpload = writing("s3:AbortMultipartUpload");
inline constexpr auto kListMultipartUploadParts = writing("s3:ListMultipartUploadParts");
inline constexpr auto kDeleteObject = writing("s3:DeleteObject");
/// What WRITE does not give: a version that is gone does not come back.
inline constexpr auto kDeleteObjectVersion = of_object("s3:DeleteObjectVersion", "s3:DeleteObjectVersion");

inline constexpr auto kGetObject = of_object("s3:GetObject", "s3:GetObjectVersion", Permission::kRead);
inline constexpr auto kGetObjectAttributes =
    of_object("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes", Permission::kRead);
inline constexpr auto kGetObjectAcl =
    of_object("s3:GetObjectAcl", "s3:GetObjectVersionAcl", Permission::kReadAcp);
inline constexpr auto kPutObjectAcl =
    of_object("s3:PutObjectAcl", "s3:PutObjectVersionAcl", Permission::kWriteAcp);
inline constexpr auto kGetObjectTagging = of_object("s3:GetObjectTagging", "s3:GetObjectVersionTagging");
inline constexpr auto kPutObjectTagging = of_object("s3:PutObjectTagging", "s3:PutObjectVersionTagging");
inline constexpr auto kDeleteObjectTagging =
    of_object("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging");
inline constexpr auto kGetObjectRetention = of_object("s3:GetObjectRetention", "s3:GetObjectRetention");
inline constexpr auto kPutObjectRetention = of_object("s3:PutObjectRetention", "s3:PutObjectRetention");
inline constexpr auto kBypassGovernanceRetention =
    of_object("s3:BypassGovernanceRetention", "s3:BypassGovernanceRetention");
inline constexpr auto kGetObjectLegalHold = of_object("s3:GetObjectLegalHold", "s3:GetObjectLegalHold");
inline constexpr auto kPutObjectLegalHold = of_object("s3:PutObjectLegalHold", "s3:PutObjectLegalHold");

}  // namespace action
}  // namespace sagelet::s3
