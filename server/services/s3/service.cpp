#include "server/services/s3/service.hpp"

#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

S3Service::S3Service(S3Options options, storage::ObjectStore& objects, const Clock& clock, Ids& ids)
    : TableService(*model::find_service("s3")),
      ledger_(objects.ledger()),
      objects_(objects),
      ids_(ids),
      region_(options.region),
      accounts_(std::move(options.accounts), options.any_account),
      outbox_(objects.ledger(), clock, options.notifications_webhook),
      lifecycle_(objects, outbox_, clock, ids, lifecycle::Calendar{options.lifecycle_day}) {
  for (auto& seed : options.seeds)
    seeds_.emplace(seed.name, std::make_unique<SeedFolder>(seed.name, std::move(seed.folder)));
  if (!options.upstream.url.empty())
    upstream_ = std::make_unique<upstream::Upstream>(std::move(options.upstream), objects, clock);
  add_bucket_operations();
  add_setting_operations();
  add_object_operations();
  add_upload_operations();
}

Status S3Service::start() {
  TRY(ledger_.read([&](Connection& db) -> Status {
    TRY(const auto all, storage::settings_of_kind(db, lifecycle::kSetting));
    for (const auto& setting : all) with_rules_.add(setting.bucket.name);
    TRY(const auto told, storage::settings_of_kind(db, notifications::kSetting));
    for (const auto& setting : told) outbox_.add_bucket(setting.bucket.name);
    return {};
  }));
  if (with_rules_.any()) lifecycle_.watch({});  // what fell due meanwhile, at once
  outbox_.wake();
  return {};
}

S3Service::Call S3Service::bound(Method method) {
  return [this, method](Context& context, Input in) { return (this->*method)(context, std::move(in)); };
}

void S3Service::on_asking(std::string_view operation, Method method) {
  if (upstream_)
    on_waiting(operation, bound(method));
  else
    on(operation, bound(method));
}

void S3Service::add_bucket_operations() {
  on("ListBuckets", bound(&S3Service::list_buckets));
  on("CreateBucket", bound(&S3Service::create_bucket));
  on_asking("HeadBucket", &S3Service::head_bucket);
  on("DeleteBucket", bound(&S3Service::delete_bucket));
  on("GetBucketLocation", bound(&S3Service::get_bucket_location));
  on("GetBucketTagging", bound(&S3Service::get_bucket_tagging));
  on("PutBucketTagging", bound(&S3Service::put_bucket_tagging));
  on("DeleteBucketTagging", bound(&S3Service::delete_bucket_tagging));
  on("GetBucketEncryption", bound(&S3Service::get_bucket_encryption));
  on("PutBucketEncryption", bound(&S3Service::put_bucket_encryption));
  on("DeleteBucketEncryption", bound(&S3Service::delete_bucket_encryption));
  on("GetPublicAccessBlock", bound(&S3Service::get_public_access_block));
  on("PutPublicAccessBlock", bound(&S3Service::put_public_access_block));
  on("DeletePublicAccessBlock", bound(&S3Service::delete_public_access_block));
  on("GetBucketLifecycleConfiguration", bound(&S3Service::get_bucket_lifecycle));
  on_waiting("PutBucketLifecycleConfiguration", bound(&S3Service::put_bucket_lifecycle));
  on("DeleteBucketLifecycle", bound(&S3Service::delete_bucket_lifecycle));
  on("GetBucketNotificationConfiguration", bound(&S3Service::get_bucket_notification));
  on("PutBucketNotificationConfiguration", bound(&S3Service::put_bucket_notification));
  on("GetBucketVersioning", bound(&S3Service::get_bucket_versioning));
  on("PutBucketVersioning", bound(&S3Service::put_bucket_versioning));
  on("ListObjectVersions", bound(&S3Service::list_object_versions));
  on("GetObjectLockConfiguration", bound(&S3Service::get_object_lock_configuration));
  on("PutObjectLockConfiguration", bound(&S3Service::put_object_lock_configuration));
}

void S3Service::add_setting_operations() {
  on("GetBucketAcl", bound(&S3Service::get_bucket_acl));
  on("PutBucketAcl", bound(&S3Service::put_bucket_acl));
  on("GetBucketOwnershipControls", bound(&S3Service::get_bucket_ownership_controls));
  on("PutBucketOwnershipControls", bound(&S3Service::put_bucket_ownership_controls));
  on("DeleteBucketOwnershipControls", bound(&S3Service::delete_bucket_ownership_controls));
  on("GetBucketPolicy", bound(&S3Service::get_bucket_policy));
  on("PutBucketPolicy", bound(&S3Service::put_bucket_policy));
  on("DeleteBucketPolicy", bound(&S3Service::delete_bucket_policy));
  on("GetBucketPolicyStatus", bound(&S3Service::get_bucket_policy_status));
  on("GetBucketCors", bound(&S3Service::get_bucket_cors));
  on("PutBucketCors", bound(&S3Service::put_bucket_cors));
  on("DeleteBucketCors", bound(&S3Service::delete_bucket_cors));
  on("GetBucketWebsite", bound(&S3Service::get_bucket_website));
  on("PutBucketWebsite", bound(&S3Service::put_bucket_website));
  on("DeleteBucketWebsite", bound(&S3Service::delete_bucket_website));
  on("GetBucketLogging", bound(&S3Service::get_bucket_logging));
  on("PutBucketLogging", bound(&S3Service::put_bucket_logging));
  on("GetBucketRequestPayment", bound(&S3Service::get_bucket_request_payment));
  on("PutBucketRequestPayment", bound(&S3Service::put_bucket_request_payment));
  on("GetBucketAccelerateConfiguration", bound(&S3Service::get_bucket_accelerate));
  on("PutBucketAccelerateConfiguration", bound(&S3Service::put_bucket_accelerate));
  const auto absent = [this](std::string_view operation, const Action& asked, std::string_view code,
                             std::string_view message) {
    on(operation, [this, &asked, code, message](Context& context, Input in) {
      return absent_setting(context, in, asked, code, message);
    });
  };
  absent("GetBucketReplication", action::kGetReplicationConfiguration,
         "ReplicationConfigurationNotFoundError", "The replication configuration was not found");
}

void S3Service::add_object_operations() {
  on_asking("PutObject", &S3Service::put_object);
  on_asking("GetObject", &S3Service::get_object);
  on_asking("HeadObject", &S3Service::head_object);
  on_asking("DeleteObject", &S3Service::delete_object);
  on_waiting("DeleteObjects", bound(&S3Service::delete_objects));
  on_waiting("CopyObject", bound(&S3Service::copy_object));
  on_asking("ListObjects", &S3Service::list_objects);
  on_asking("ListObjectsV2", &S3Service::list_objects_v2);
  on("GetObjectTagging", bound(&S3Service::get_object_tagging));
  on("PutObjectTagging", bound(&S3Service::put_object_tagging));
  on("DeleteObjectTagging", bound(&S3Service::delete_object_tagging));
  on("GetObjectRetention", bound(&S3Service::get_object_retention));
  on("PutObjectRetention", bound(&S3Service::put_object_retention));
  on("GetObjectLegalHold", bound(&S3Service::get_object_legal_hold));
  on("PutObjectLegalHold", bound(&S3Service::put_object_legal_hold));
  on("GetObjectAcl", bound(&S3Service::get_object_acl));
  on("PutObjectAcl", bound(&S3Service::put_object_acl));
  on_asking("GetObjectAttributes", &S3Service::get_object_attributes);
  on("GetObjectTorrent",  // no object has one
     [](Context&, Input in) -> Reply<Output> { return errors::no_such_key(in.text("Key")); });
}

void S3Service::add_upload_operations() {
  on("CreateMultipartUpload", bound(&S3Service::create_multipart_upload));
  on("UploadPart", bound(&S3Service::upload_part));
  on_waiting("UploadPartCopy", bound(&S3Service::upload_part_copy));
  on_waiting("CompleteMultipartUpload", bound(&S3Service::complete_multipart_upload));
  on_waiting("AbortMultipartUpload", bound(&S3Service::abort_multipart_upload));
  on("ListParts", bound(&S3Service::list_parts));
  on("ListMultipartUploads", bound(&S3Service::list_multipart_uploads));
}

namespace {

Status check_seed(const SeedBucket& seed) {
  if (!valid_bucket_name(seed.name))
    return Error(ErrorKind::kInvalid, "no bucket can be called " + seed.name);
  std::error_code ignored;
  if (!fs::is_directory(seed.folder, ignored))
    return Error(ErrorKind::kInvalid, "seed bucket " + seed.name + ": no folder " + seed.folder.native());
  return {};
}

}  // namespace

Result<S3> make_s3(S3Options options, storage::ObjectStore& objects, const Clock& clock, Ids& ids) {
  for (const auto& seed : options.seeds) TRY(check_seed(seed));
  auto service = std::make_unique<S3Service>(std::move(options), objects, clock, ids);
  TRY(service->start());
  S3 made;
  made.view = service.get();
  made.cors = service.get();
  made.service = std::move(service);
  return made;
}

}  // namespace sagelet::s3
