#include "server/services/s3/service.hpp"

#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

S3::S3(S3Options options, storage::Ledger& ledger, storage::ObjectStore& objects, Ids& ids)
    : TableService(*model::find_service("s3")), ledger_(ledger), objects_(objects), ids_(ids) {
  for (auto& seed : options.seeds)
    seeds_.emplace(seed.name, std::make_unique<SeedFolder>(seed.name, std::move(seed.folder)));
  add_bucket_operations();
  add_object_operations();
  add_upload_operations();
}

S3::Call S3::bound(Method method) {
  return [this, method](Context& context, Input in) { return (this->*method)(context, std::move(in)); };
}

void S3::add_bucket_operations() {
  on("ListBuckets", bound(&S3::list_buckets));
  on("CreateBucket", bound(&S3::create_bucket));
  on("HeadBucket", bound(&S3::head_bucket));
  on("DeleteBucket", bound(&S3::delete_bucket));
  on("GetBucketLocation", bound(&S3::get_bucket_location));
  on("GetBucketTagging", bound(&S3::get_bucket_tagging));
  on("PutBucketTagging", bound(&S3::put_bucket_tagging));
  on("DeleteBucketTagging", bound(&S3::delete_bucket_tagging));
  on("GetBucketEncryption", bound(&S3::get_bucket_encryption));
  on("PutBucketEncryption", bound(&S3::put_bucket_encryption));
  on("DeleteBucketEncryption", bound(&S3::delete_bucket_encryption));
  on("GetPublicAccessBlock", bound(&S3::get_public_access_block));
  on("PutPublicAccessBlock", bound(&S3::put_public_access_block));
  on("DeletePublicAccessBlock", bound(&S3::delete_public_access_block));
  on("GetBucketVersioning", bound(&S3::get_bucket_versioning));
  on("GetBucketAcl", bound(&S3::get_bucket_acl));
  on("GetObjectAcl", bound(&S3::get_object_acl));
  const auto absent = [this](std::string_view operation, std::string_view code, std::string_view message) {
    on(operation, [this, code, message](Context& context, Input in) {
      return absent_setting(context, in, code, message);
    });
  };
  absent("GetBucketPolicy", "NoSuchBucketPolicy", "The bucket policy does not exist");
  absent("GetBucketCors", "NoSuchCORSConfiguration", "The CORS configuration does not exist");
  absent("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration",
         "The lifecycle configuration does not exist");
  absent("GetBucketWebsite", "NoSuchWebsiteConfiguration",
         "The specified bucket does not have a website configuration");
  absent("GetBucketReplication", "ReplicationConfigurationNotFoundError",
         "The replication configuration was not found");
  absent("GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError",
         "Object Lock configuration does not exist for this bucket");
}

void S3::add_object_operations() {
  on("PutObject", bound(&S3::put_object));
  on("GetObject", bound(&S3::get_object));
  on("HeadObject", bound(&S3::head_object));
  on("DeleteObject", bound(&S3::delete_object));
  on_waiting("DeleteObjects", bound(&S3::delete_objects));
  on_waiting("CopyObject", bound(&S3::copy_object));
  on("ListObjects", bound(&S3::list_objects));
  on("ListObjectsV2", bound(&S3::list_objects_v2));
  on("GetObjectTagging", bound(&S3::get_object_tagging));
  on("PutObjectTagging", bound(&S3::put_object_tagging));
  on("DeleteObjectTagging", bound(&S3::delete_object_tagging));
  on("GetObjectAttributes", bound(&S3::get_object_attributes));
}

void S3::add_upload_operations() {
  on("CreateMultipartUpload", bound(&S3::create_multipart_upload));
  on("UploadPart", bound(&S3::upload_part));
  on_waiting("UploadPartCopy", bound(&S3::upload_part_copy));
  on_waiting("CompleteMultipartUpload", bound(&S3::complete_multipart_upload));
  on_waiting("AbortMultipartUpload", bound(&S3::abort_multipart_upload));
  on("ListParts", bound(&S3::list_parts));
  on("ListMultipartUploads", bound(&S3::list_multipart_uploads));
}

}  // namespace sagelet::s3

namespace sagelet {

S3Rooms make_s3_rooms(S3Options options, storage::Ledger& ledger, storage::ObjectStore& objects, const Clock&,
                      Ids& ids) {
  auto service = std::make_unique<s3::S3>(std::move(options), ledger, objects, ids);
  S3Rooms rooms;
  rooms.view = service.get();
  rooms.service = std::move(service);
  return rooms;
}

std::unique_ptr<Service> make_s3(S3Options options, storage::Ledger& ledger, storage::ObjectStore& objects,
                                 const Clock& clock, Ids& ids) {
  return make_s3_rooms(std::move(options), ledger, objects, clock, ids).service;
}

}  // namespace sagelet
