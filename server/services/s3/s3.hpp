#pragma once
// The service's inside: one class, its operations a file a family (buckets.cpp, put_object.cpp, ...).
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "server/services/s3/access/accounts.hpp"
#include "server/services/s3/access/bucket_rules.hpp"
#include "server/services/s3/access/claim.hpp"
#include "server/services/s3/bucket_names.hpp"
#include "server/services/s3/checksums.hpp"
#include "server/services/s3/conditions.hpp"
#include "server/services/s3/errors.hpp"
#include "server/services/s3/lifecycle/worker.hpp"
#include "server/services/s3/locks.hpp"
#include "server/services/s3/names.hpp"
#include "server/services/s3/notifications/outbox.hpp"
#include "server/services/s3/seeds.hpp"
#include "server/services/s3/service.hpp"
#include "server/services/s3/upload.hpp"
#include "server/services/s3/upstream/upstream.hpp"
#include "server/storage/listing.hpp"
#include "server/storage/objects.hpp"
#include "server/storage/pairs.hpp"
#include "server/storage/upload_rows.hpp"

namespace sagelet::s3 {

using storage::Connection;
using storage::Freed;
using Touches = storage::ObjectStore::Touches;
using Want = storage::ObjectStore::Want;

/// A bucket that may be read: a stored one or a seeded folder.
struct Readable {
  std::optional<storage::Bucket> bucket;
  SeedFolder* seed = nullptr;
  std::string region;
  upstream::Upstream* upstream = nullptr;  ///< it is not ours: the upstream's, of this name
  std::string name;
};

/// Thread-safe: no state but what it was given.
class S3Service final : public TableService, public ObjectsView, public CorsView {
 public:
  S3Service(S3Options options, storage::ObjectStore& objects, const Clock& clock, Ids& ids);
  /// Takes up what buckets' settings ask for: before the first request.
  Status start();

  Reply<std::unique_ptr<http::BodySink>> sink(Context& context, const model::Operation& operation,
                                              const Document& params,
                                              std::optional<std::uint64_t> length) override;
  Reply<FormRequest> request_of(Context& context, const Form& form) override;
  Result<bool> any_under(const AccountId& account, std::string_view bucket, std::string_view prefix) override;
  Reply<http::Headers> preflight(const CorsQuestion& question) override;
  http::Headers headers_for(const CorsQuestion& question) override;

 private:
  using Method = Reply<Output> (S3Service::*)(Context&, Input);
  Call bound(Method method);
  /// Of operations that may have to ask the upstream: they wait where there is one.
  void on_asking(std::string_view operation, Method method);
  void add_bucket_operations();
  void add_setting_operations();
  void add_object_operations();
  void add_upload_operations();

  // buckets.cpp
  Reply<Output> list_buckets(Context&, Input);
  Reply<Output> create_bucket(Context&, Input);
  Reply<Output> head_bucket(Context&, Input);
  Reply<Output> delete_bucket(Context&, Input);
  Reply<Output> get_bucket_location(Context&, Input);
  // bucket_settings.cpp
  Reply<Output> get_bucket_tagging(Context&, Input);
  Reply<Output> put_bucket_tagging(Context&, Input);
  Reply<Output> delete_bucket_tagging(Context&, Input);
  Reply<Output> get_bucket_encryption(Context&, Input);
  Reply<Output> put_bucket_encryption(Context&, Input);
  Reply<Output> delete_bucket_encryption(Context&, Input);
  Reply<Output> absent_setting(Context&, const Input&, const Action&, std::string_view code,
                               std::string_view message);
  // access/acls.cpp
  Reply<Output> get_bucket_acl(Context&, Input);
  Reply<Output> put_bucket_acl(Context&, Input);
  Reply<Output> get_object_acl(Context&, Input);
  Reply<Output> put_object_acl(Context&, Input);
  // access/ownership.cpp
  Reply<Output> get_bucket_ownership_controls(Context&, Input);
  Reply<Output> put_bucket_ownership_controls(Context&, Input);
  Reply<Output> delete_bucket_ownership_controls(Context&, Input);
  Reply<Output> get_public_access_block(Context&, Input);
  Reply<Output> put_public_access_block(Context&, Input);
  Reply<Output> delete_public_access_block(Context&, Input);
  // access/bucket_policy.cpp
  Reply<Output> get_bucket_policy(Context&, Input);
  Reply<Output> put_bucket_policy(Context&, Input);
  Reply<Output> delete_bucket_policy(Context&, Input);
  Reply<Output> get_bucket_policy_status(Context&, Input);
  // bucket_records.cpp
  Reply<Output> get_bucket_website(Context&, Input);
  Reply<Output> put_bucket_website(Context&, Input);
  Reply<Output> delete_bucket_website(Context&, Input);
  Reply<Output> get_bucket_logging(Context&, Input);
  Reply<Output> put_bucket_logging(Context&, Input);
  Reply<Output> get_bucket_request_payment(Context&, Input);
  Reply<Output> put_bucket_request_payment(Context&, Input);
  Reply<Output> get_bucket_accelerate(Context&, Input);
  Reply<Output> put_bucket_accelerate(Context&, Input);
  /// The stored document as the answer, `otherwise` when there is none.
  Reply<Output> get_record(Context&, const Input&, const Action&, const char* kind,
                           const Document& otherwise);
  // cors.cpp
  Reply<Output> get_bucket_cors(Context&, Input);
  Reply<Output> put_bucket_cors(Context&, Input);
  Reply<Output> delete_bucket_cors(Context&, Input);
  Result<std::optional<std::string>> cors_of(std::string_view bucket);
  // versions.cpp
  Reply<Output> get_bucket_versioning(Context&, Input);
  Reply<Output> put_bucket_versioning(Context&, Input);
  Reply<Output> list_object_versions(Context&, Input);
  Reply<bool> may_bypass(const Context&, const Input&, const storage::Bucket&);
  // object_lock.cpp
  Reply<Output> get_object_lock_configuration(Context&, Input);
  Reply<Output> put_object_lock_configuration(Context&, Input);
  Reply<Output> get_object_retention(Context&, Input);
  Reply<Output> put_object_retention(Context&, Input);
  Reply<Output> get_object_legal_hold(Context&, Input);
  Reply<Output> put_object_legal_hold(Context&, Input);
  Reply<OpenedObject> lockable(const Context&, const Input&, const Action&);
  Reply<Output> change_locks(Context&, const Input&, const Action&,
                             std::function<Status(Locks&, const errors::Refusal&)> turn);
  // lifecycle/operations.cpp
  Reply<Output> get_bucket_lifecycle(Context&, Input);
  Reply<Output> put_bucket_lifecycle(Context&, Input);
  Reply<Output> delete_bucket_lifecycle(Context&, Input);
  // notifications/operations.cpp
  Reply<Output> get_bucket_notification(Context&, Input);
  Reply<Output> put_bucket_notification(Context&, Input);
  notifications::Noting noting(const Context& context, std::string_view bucket);
  /// The bucket's rules, when it has any; nothing is read for a bucket that never had.
  Reply<std::optional<lifecycle::Rules>> rules_of(std::string_view bucket);
  /// x-amz-expiration of a key's newest version.
  Reply<void> show_expiration(Document& fields, std::string_view bucket, const storage::ObjectRow& row);
  Reply<void> show_abortion(Document& fields, std::string_view bucket, const storage::UploadRow& upload);
  // objects
  Reply<Output> put_object(Context&, Input);
  Reply<Output> get_object(Context&, Input);
  Reply<Output> head_object(Context&, Input);
  Reply<Output> delete_object(Context&, Input);
  Reply<Output> delete_objects(Context&, Input);
  Reply<Output> copy_object(Context&, Input);
  Reply<Output> list_objects(Context&, Input);
  Reply<Output> list_objects_v2(Context&, Input);
  Reply<Output> get_object_tagging(Context&, Input);
  Reply<Output> put_object_tagging(Context&, Input);
  Reply<Output> delete_object_tagging(Context&, Input);
  Reply<Output> put_tags(Context&, Input, const Action&);
  Reply<Output> get_object_attributes(Context&, Input);
  // multipart
  struct UploadUsers {
    User initiator, owner;
  };
  UploadUsers users_of(const storage::Bucket& bucket, const storage::UploadRow& upload) const;
  Reply<Output> create_multipart_upload(Context&, Input);
  Reply<Output> upload_part(Context&, Input);
  Reply<Output> upload_part_copy(Context&, Input);
  Reply<Output> complete_multipart_upload(Context&, Input);
  Reply<Output> abort_multipart_upload(Context&, Input);
  Reply<Output> list_parts(Context&, Input);
  Reply<Output> list_multipart_uploads(Context&, Input);

  // access/access.cpp: who may do what
  SeedFolder* seed(std::string_view bucket);
  /// What the caller wants. Costs nothing unless the bucket has a policy, which may ask about all of the
  /// call. `object` is what the action is about where that is not what `params` names.
  Claim claim(const Context& context, const Document& params, const Action& action,
              const storage::Bucket& bucket, const ObjectName* object = nullptr) const;
  /// Decides, and nothing else does. `row` is the object at hand if the action is on one that is there. An
  /// owner's question is answered without a query where the bucket has no policy.
  Result<bool> may(Connection& db, const Claim& claim, const storage::Bucket& bucket,
                   const storage::ObjectRow* row = nullptr);
  Reply<bool> may(const Claim& claim, const storage::Bucket& bucket, const storage::ObjectRow* row = nullptr);

  /// The bucket that `params` names, whoever asks.
  Reply<storage::Bucket> known(const Document& params);
  /// The bucket that `params` names when its caller may do that: NoSuchBucket, AccessDenied. Seeded buckets
  /// permit nothing. `also` is read with it.
  Reply<Permit> permitted(const Context& context, const Document& params, const Action& action,
                          const std::function<Status(Connection&, const storage::Bucket&)>& also = nullptr);
  /// The same without a query, where nothing but the owner's name is asked for; else nullopt.
  Reply<std::optional<Permit>> owners_permit(const Context& context, const Document& params,
                                             const Action& action);
  /// The same claim again, inside the transaction that acts on it.
  Result<storage::Bucket> permitted(Connection& db, const Permit& permit, const errors::Refusal& refusal,
                                    const storage::ObjectRow* row = nullptr);
  Reply<BucketRules> rules(const storage::Bucket& bucket);
  /// The same for what seeded buckets have too.
  Reply<Readable> readable(const Context& context, const Input& in, const Action& action);
  /// The bucket that `params` names and what its new objects take from it, in one read.
  Reply<Writable> writable(const Context& context, const Document& params,
                           const Action& action = action::kPutObject);
  /// NoSuchBucket, AccessDenied, NoSuchKey, NoSuchVersion; MethodNotAllowed for a delete marker. The row's
  /// version is as clients read it, and empty in a bucket that never was versioned.
  Reply<OpenedObject> open(const Context& context, const Document& params, const ObjectName& name,
                           const Action& action, Want want,
                           std::string_view expected_owner = "ExpectedBucketOwner");
  Reply<OpenedObject> open(const Context& context, const Input& in, const Action& action, Want want);
  api::Error nothing_there(const Context& context, const Document& params, const ObjectName& name,
                           const storage::ObjectStore::Found& found);

  /// Puts an object's record and bytes if the conditions hold then; `output` is sent when that is done.
  /// `event` is what notifications call it: "ObjectCreated:Put".
  Reply<Output> put_row(const Context& context, std::string_view event, Output output, Permit permit,
                        storage::ObjectRow row, storage::Staged staged, WriteConditions conditions);
  /// The name of a version that is about to be made in `bucket`: "" for the null version.
  std::string new_version(const storage::Bucket& bucket);
  /// Inside the transaction: OperationAborted when that name was chosen before versioning was turned on.
  static Status check_version(const storage::Bucket& now, std::string_view version,
                              const errors::Refusal& refusal);
  /// Commits in the store; the answer is sent when that is done.
  Reply<Output> answer_after(Output output, const errors::Refusal& refusal, Ticket ticket);
  /// The same, waited for here: for answers that need what the change found. Only in handlers that may wait.
  Reply<void> done(const errors::Refusal& refusal, const Ticket& ticket);
  /// A request's body; empty when the gateway had none to feed.
  Reply<std::unique_ptr<Upload>> take_upload(Context& context, const model::Operation& operation, Input& in);
  /// What an upload settled for its parts. NoSuchUpload; InvalidRequest with another customer's key.
  struct UploadPlan {
    std::optional<ChecksumKind> checksum;
    storage::Pairs properties;
  };
  Reply<UploadPlan> plan_of_upload(const storage::Bucket& bucket, const Document& params);
  Reply<Output> put_setting(Context& context, const Input& in, const Action& action, const char* kind,
                            std::string value);
  Reply<Output> delete_setting(Context& context, const Input& in, const Action& action, const char* kind);
  Reply<std::optional<std::string>> setting(const Context& context, const Input& in, const Action& action,
                                            const char* kind);
  /// The owner that lists show; of a seeded bucket the caller.
  User owner_of(const Context& context, const Readable& readable) const;
  Reply<storage::ListPage> page_of(const Readable& readable, const storage::ListQuery& query, bool v1);

  // upstream_buckets.cpp: buckets that are not ours but the upstream's
  /// Null when it is ours, or nobody's.
  upstream::Upstream* upstream(std::string_view bucket);
  /// The same for a caller who may read there.
  Reply<upstream::Upstream*> upstream_for(const Context& context, std::string_view bucket);
  /// As readable(), or the upstream's.
  Reply<Readable> listable(const Context& context, const Input& in, const Action& action);
  /// Refuses what changes an upstream bucket, unless it is written through. True: it is one.
  Reply<bool> written_through(const Context& context, std::string_view bucket);
  /// For operations that the upstream's buckets do not have.
  Reply<void> refuse_upstream(const Context& context, std::string_view bucket, const Action& action);
  Reply<OpenedObject> open_from(upstream::Upstream& upstream, const Context& context, const ObjectName& name,
                                const Action& action, Want want);
  Reply<Output> get_from(upstream::Upstream& upstream, const Context& context, const Input& in);
  Reply<Output> put_upstream(Output output, const std::string& bucket, storage::ObjectRow row,
                             storage::Staged staged, const WriteConditions& conditions);

  storage::Ledger& ledger_;
  storage::ObjectStore& objects_;
  Ids& ids_;
  const std::string region_;  ///< of the seeded buckets
  Md5Lanes md5_;
  const Accounts accounts_;  ///< that ACLs may name
  std::map<std::string, std::unique_ptr<SeedFolder>, std::less<>> seeds_;
  notifications::Outbox outbox_;
  BucketNames with_rules_;
  lifecycle::Worker lifecycle_;
  std::unique_ptr<upstream::Upstream> upstream_;
};

}  // namespace sagelet::s3
