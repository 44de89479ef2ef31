#include "server/services/s3/errors.hpp"

#include "base/log.hpp"
#include "fmt/format.h"

namespace sagelet::s3::errors {

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

api::Error make(std::string_view code, int status, std::string_view message, Members members = {}) {
  auto error = api::Error::make(std::string(code), std::string(message), status);
  error.members = std::move(members);
  return error;
}

std::string text(std::string_view value) {
  return std::string(value);
}

}  // namespace

api::Error access_denied() {
  return make("AccessDenied", 403, "Access Denied");
}

api::Error no_such_bucket(std::string_view bucket) {
  return make("NoSuchBucket", 404, "The specified bucket does not exist", {{"BucketName", text(bucket)}});
}

api::Error no_such_key(std::string_view key) {
  return make("NoSuchKey", 404, "The specified key does not exist.", {{"Key", text(key)}});
}

api::Error no_such_upload(std::string_view upload_id) {
  return make("NoSuchUpload", 404,
              "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
              "been aborted "
              "or completed.",
              {{"UploadId", text(upload_id)}});
}

api::Error no_such_version(std::string_view key, std::string_view version) {
  return make("NoSuchVersion", 404, "The specified version does not exist.",
              {{"Key", text(key)}, {"VersionId", text(version)}});
}

api::Error delete_marker(std::string_view key, std::string_view version, bool asked) {
  auto error =
      asked ? make("MethodNotAllowed", 405, "The specified method is not allowed against this resource.",
                   {{"Method", "GET"}, {"ResourceType", "DeleteMarker"}})
            : no_such_key(key);
  error.headers.emplace_back("x-amz-delete-marker", "true");
  error.headers.emplace_back("x-amz-version-id", version.empty() ? "null" : text(version));
  if (asked) error.headers.emplace_back("Allow", "DELETE");
  return error;
}

api::Error no_such_tag_set(std::string_view bucket) {
  return make("NoSuchTagSet", 404, "The TagSet does not exist", {{"BucketName", text(bucket)}});
}

api::Error no_such_setting(std::string_view code, std::string_view message, std::string_view bucket) {
  return make(code, 404, message, {{"BucketName", text(bucket)}});
}

api::Error bucket_already_owned(std::string_view bucket) {
  return make("BucketAlreadyOwnedByYou", 409,
              "Your previous request to create the named bucket succeeded and you already own it.",
              {{"BucketName", text(bucket)}});
}

api::Error bucket_already_exists(std::string_view bucket) {
  return make("BucketAlreadyExists", 409,
              "The requested bucket name is not available. The bucket namespace is shared by all users of "
              "the system. "
              "Please select a different name and try again.",
              {{"BucketName", text(bucket)}});
}

api::Error bucket_not_empty(std::string_view bucket) {
  return make("BucketNotEmpty", 409, "The bucket you tried to delete is not empty",
              {{"BucketName", text(bucket)}});
}

api::Error invalid_bucket_name(std::string_view bucket) {
  return make("InvalidBucketName", 400, "The specified bucket is not valid.", {{"BucketName", text(bucket)}});
}

api::Error illegal_location(std::string_view constraint) {
  return make(
      "IllegalLocationConstraintException", 400,
      fmt::format(
          "The {} location constraint is incompatible for the region specific endpoint this request was "
          "sent to.",
          constraint.empty() ? "unspecified" : constraint));
}

api::Error invalid_location(std::string_view constraint) {
  return make("InvalidLocationConstraint", 400, "The specified location-constraint is not valid",
              {{"LocationConstraint", text(constraint)}});
}

api::Error key_too_long(std::size_t size) {
  return make("KeyTooLongError", 400, "Your key is too long",
              {{"Size", std::to_string(size)}, {"MaxSizeAllowed", "1024"}});
}

api::Error invalid_uri(std::string_view uri) {
  return make("InvalidURI", 400, "Couldn't parse the specified URI.", {{"URI", text(uri)}});
}

api::Error entity_too_large(std::uint64_t size, std::uint64_t limit) {
  return make("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size",
              {{"ProposedSize", std::to_string(size)}, {"MaxSizeAllowed", std::to_string(limit)}});
}

api::Error entity_too_small(std::uint64_t size, std::uint64_t least, std::int64_t part,
                            std::string_view etag) {
  return make("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size",
              {{"ProposedSize", std::to_string(size)},
               {"MinSizeAllowed", std::to_string(least)},
               {"PartNumber", std::to_string(part)},
               {"ETag", text(etag)}});
}

api::Error entity_too_small(std::uint64_t size, std::uint64_t least) {
  return make("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size",
              {{"ProposedSize", std::to_string(size)}, {"MinSizeAllowed", std::to_string(least)}});
}

api::Error metadata_too_large(std::size_t size, std::size_t limit) {
  return make("MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size",
              {{"Size", std::to_string(size)}, {"MaxSizeAllowed", std::to_string(limit)}});
}

api::Error incomplete_body() {
  return make("IncompleteBody", 400,
              "You did not provide the number of bytes specified by the Content-Length HTTP header");
}

api::Error missing_content_length() {
  return make("MissingContentLength", 411, "You must provide the Content-Length HTTP header.");
}

api::Error precondition_failed(std::string_view condition) {
  return make("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold",
              {{"Condition", text(condition)}});
}

api::Error not_modified(std::string_view quoted_etag) {
  auto error = make("NotModified", 304, "Not Modified");
  error.headers.emplace_back("ETag", quoted_etag);
  return error;
}

api::Error invalid_range(std::string_view asked, std::uint64_t size) {
  auto error = make("InvalidRange", 416, "The requested range is not satisfiable",
                    {{"RangeRequested", text(asked)}, {"ActualObjectSize", std::to_string(size)}});
  error.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
  return error;
}

api::Error invalid_part(std::string_view upload_id, std::int64_t part, std::string_view etag) {
  return make(
      "InvalidPart", 400,
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
      "specified entity tag may not match the part's entity tag.",
      {{"UploadId", text(upload_id)}, {"PartNumber", std::to_string(part)}, {"ETag", text(etag)}});
}

api::Error invalid_part_number() {
  return make("InvalidPart", 400, "The requested partnumber is not satisfiable");
}

api::Error invalid_part_order(std::string_view upload_id) {
  return make("InvalidPartOrder", 400,
              "The list of parts was not in ascending order. Parts must be ordered by part number.",
              {{"UploadId", text(upload_id)}});
}

api::Error invalid_digest(std::string_view given) {
  return make("InvalidDigest", 400, "The Content-MD5 you specified was invalid.",
              {{"Content-MD5", text(given)}});
}

api::Error bad_digest(std::string_view expected, std::string_view calculated) {
  return make("BadDigest", 400, "The Content-MD5 you specified did not match what we received.",
              {{"ExpectedDigest", text(expected)}, {"CalculatedDigest", text(calculated)}});
}

api::Error bad_checksum(std::string_view algorithm) {
  return make("BadDigest", 400,
              fmt::format("The {} you specified did not match the calculated checksum.", algorithm));
}

api::Error payload_hash_mismatch(std::string_view given, std::string_view computed) {
  return make("XAmzContentSHA256Mismatch", 400,
              "The provided 'x-amz-content-sha256' header does not match what was computed.",
              {{"ClientComputedContentSHA256", text(given)}, {"S3ComputedContentSHA256", text(computed)}});
}

api::Error malformed_xml() {
  return make("MalformedXML", 400,
              "The XML you provided was not well-formed or did not validate against our published schema");
}

api::Error public_policy_blocked(std::string_view arn, std::string_view bucket) {
  return make(
      "AccessDenied", 403,
      fmt::format("User: {} is not authorized to perform: s3:PutBucketPolicy on resource: "
                  "\"arn:aws:s3:::{}\" because public policies are prevented by the BlockPublicPolicy "
                  "setting in S3 Block Public Access.",
                  arn, bucket));
}

api::Error malformed_policy(std::string_view message) {
  return make("MalformedPolicy", 400, message);
}

api::Error invalid_argument(std::string_view message, std::string_view name, std::string_view value) {
  Members members;
  if (!name.empty()) members = {{"ArgumentName", text(name)}, {"ArgumentValue", text(value)}};
  return make("InvalidArgument", 400, message, std::move(members));
}

api::Error invalid_request(std::string_view message) {
  return make("InvalidRequest", 400, message);
}

api::Error invalid_tag(std::string_view message, std::string_view key) {
  Members members;
  if (!key.empty()) members = {{"TagKey", text(key)}};
  return make("InvalidTag", 400, message, std::move(members));
}

api::Error invalid_storage_class(std::string_view given) {
  return make("InvalidStorageClass", 400, "The storage class you specified is not valid",
              {{"StorageClassRequested", text(given)}});
}

api::Error invalid_bucket_state(std::string_view message) {
  return make("InvalidBucketState", 409, message);
}

api::Error invalid_retention_period(std::string_view message) {
  return make("InvalidRetentionPeriod", 400, message);
}

api::Error malformed_acl() {
  return make("MalformedACLError", 400,
              "The XML you provided was not well-formed or did not validate against our published schema");
}

api::Error unexpected_content() {
  return make("UnexpectedContent", 400, "This request does not support content");
}

api::Error missing_acl() {
  return make("MissingSecurityHeader", 400, "Your request was missing a required header",
              {{"MissingHeaderName", "x-amz-acl"}});
}

api::Error unresolvable_email(std::string_view email) {
  return make("UnresolvableGrantByEmailAddress", 400,
              "The e-mail address you provided does not match any account on record.",
              {{"EmailAddress", text(email)}});
}

api::Error acls_are_off() {
  return make("AccessControlListNotSupported", 400, "The bucket does not allow ACLs");
}

api::Error acl_with_ownership() {
  return make("InvalidBucketAclWithObjectOwnership", 400,
              "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
}

api::Error invalid_logging_target(std::string_view bucket) {
  return make("InvalidTargetBucketForLogging", 400,
              "The target bucket for logging does not exist, is not owned by you, or does not have the "
              "appropriate grants for the log-delivery group.",
              {{"TargetBucket", text(bucket)}});
}

api::Error no_object_lock() {
  return invalid_request("Bucket is missing Object Lock Configuration");
}

api::Error no_lock_on_object() {
  return make("NoSuchObjectLockConfiguration", 404,
              "The specified object does not have a ObjectLock configuration");
}

api::Error locked() {
  return make("AccessDenied", 403, "Access Denied because object protected by object lock.");
}

api::Error wrong_customer_key() {
  return make(
      "AccessDenied", 403,
      "Requests specifying Server Side Encryption with Customer provided keys must provide the correct "
      "secret key.");
}

api::Error operation_aborted() {
  return make(
      "OperationAborted", 409,
      "A conflicting conditional operation is currently in progress against this resource. Please try "
      "again.");
}

api::Error cors_forbidden(std::string_view why, std::string_view method, bool of_object) {
  return make("AccessForbidden", 403, fmt::format("CORSResponse: {}", why),
              {{"Method", text(method)}, {"ResourceType", of_object ? "OBJECT" : "BUCKET"}});
}

api::Error not_implemented(std::string_view header) {
  return make("NotImplemented", 501, "A header you provided implies functionality that is not implemented",
              {{"Header", text(header)}});
}

api::Error from(const Error& error) {
  if (error.is(ErrorKind::kNoSpace))
    return make("ServiceUnavailable", 503,
                "There is no space left where the data folder lies. Please free some.");
  if (error.is(ErrorKind::kCancelled) || error.is(ErrorKind::kUnavailable))
    return make("ServiceUnavailable", 503, "Please reduce your request rate.");
  log::error("s3: {}", error.message());
  return make("InternalError", 500, "We encountered an internal error. Please try again.");
}

}  // namespace sagelet::s3::errors
