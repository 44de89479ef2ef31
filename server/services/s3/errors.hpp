#pragma once
// S3's errors, in AWS's words. Storage's errors become S3's here and nowhere else.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/model/call.hpp"

namespace sagelet::s3::errors {

api::Error access_denied();
api::Error no_such_bucket(std::string_view bucket);
api::Error no_such_key(std::string_view key);
api::Error no_such_upload(std::string_view upload_id);
api::Error no_such_version(std::string_view key, std::string_view version);
/// What a delete marker answers: `asked` when the request named its version, else as though nothing were
/// there.
api::Error delete_marker(std::string_view key, std::string_view version, bool asked);
api::Error no_such_tag_set(std::string_view bucket);
/// "The lifecycle configuration does not exist" and its like: 404 with the bucket's name.
api::Error no_such_setting(std::string_view code, std::string_view message, std::string_view bucket);

api::Error bucket_already_owned(std::string_view bucket);
api::Error bucket_already_exists(std::string_view bucket);
api::Error bucket_not_empty(std::string_view bucket);
api::Error invalid_bucket_name(std::string_view bucket);
api::Error illegal_location(std::string_view constraint);
api::Error invalid_location(std::string_view constraint);

api::Error key_too_long(std::size_t size);
api::Error invalid_uri(std::string_view uri);
api::Error entity_too_large(std::uint64_t size, std::uint64_t limit);
api::Error entity_too_small(std::uint64_t size, std::uint64_t least, std::int64_t part,
                            std::string_view etag);
api::Error entity_too_small(std::uint64_t size, std::uint64_t least);
api::Error metadata_too_large(std::size_t size, std::size_t limit);
api::Error incomplete_body();
api::Error missing_content_length();

api::Error precondition_failed(std::string_view condition);
api::Error not_modified(std::string_view quoted_etag);
api::Error invalid_range(std::string_view asked, std::uint64_t size);
api::Error invalid_part(std::string_view upload_id, std::int64_t part, std::string_view etag);
api::Error invalid_part_number();
api::Error invalid_part_order(std::string_view upload_id);

api::Error invalid_digest(std::string_view given);
api::Error bad_digest(std::string_view expected, std::string_view calculated);
api::Error bad_checksum(std::string_view algorithm);
api::Error payload_hash_mismatch(std::string_view given, std::string_view computed);

api::Error malformed_xml();
api::Error public_policy_blocked(std::string_view arn, std::string_view bucket);
api::Error malformed_policy(std::string_view message);
api::Error invalid_argument(std::string_view message, std::string_view name = {},
                            std::string_view value = {});
api::Error invalid_request(std::string_view message);
api::Error invalid_tag(std::string_view message, std::string_view key = {});
api::Error invalid_storage_class(std::string_view given);
api::Error invalid_bucket_state(std::string_view message);
api::Error invalid_retention_period(std::string_view message);
/// ACLs: a body that is none, a body and headers at once, neither.
api::Error malformed_acl();
api::Error unexpected_content();
api::Error missing_acl();
api::Error unresolvable_email(std::string_view email);
/// BucketOwnerEnforced: the bucket takes no ACL; it cannot have that one.
api::Error acls_are_off();
api::Error acl_with_ownership();
api::Error invalid_logging_target(std::string_view bucket);
/// Lock calls on a bucket that takes no locks.
api::Error no_object_lock();
api::Error no_lock_on_object();
/// A lock forbids it.
api::Error locked();
api::Error wrong_customer_key();
/// The bucket's versioning was changed while the request was on its way.
api::Error operation_aborted();
api::Error not_implemented(std::string_view header);
api::Error cors_forbidden(std::string_view why, std::string_view method, bool of_object);

/// What the client reads when storage failed: "no space" is ServiceUnavailable, the rest InternalError
/// (logged here).
api::Error from(const Error& error);

/// The value, or storage's error as the client reads it.
template <class T>
Reply<T> lift(Result<T> result) {
  if (!result) return from(result.error());
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*result);
  }
}

/// How a change in the ledger says what the client reads: it leaves the answer here and fails.
///
///   return refusal.with(errors::no_such_key(key));
class Refusal {
 public:
  Refusal() : answer_(std::make_shared<std::optional<api::Error>>()) {}
  Error with(api::Error answer) const {
    *answer_ = std::move(answer);
    return Error(ErrorKind::kConflict, "refused");
  }
  api::Error answer(const Error& error) const { return *answer_ ? **answer_ : from(error); }

 private:
  std::shared_ptr<std::optional<api::Error>> answer_;
};

}  // namespace sagelet::s3::errors
