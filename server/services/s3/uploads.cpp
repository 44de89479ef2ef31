// CreateMultipartUpload, AbortMultipartUpload, ListMultipartUploads.
#include <algorithm>

#include "fmt/format.h"
#include "server/services/s3/access/acl_request.hpp"
#include "server/services/s3/encryption.hpp"
#include "server/services/s3/list_page.hpp"
#include "server/services/s3/properties.hpp"
#include "server/services/s3/s3.hpp"
#include "server/services/s3/tags.hpp"

namespace sagelet::s3 {

namespace {

/// The plan of an upload's checksum: by default COMPOSITE, but CRC64NVME is always of the whole object.
Reply<std::optional<StoredChecksum>> planned_checksum(const Input& in) {
  TRY(const auto kind, named_algorithm(in.params));
  const auto& type = in.text("ChecksumType");
  if (!kind) return std::optional<StoredChecksum>();
  const bool crc64 = *kind == ChecksumKind::kCrc64nvme;
  const bool digest = *kind == ChecksumKind::kSha1 || *kind == ChecksumKind::kSha256;
  if ((crc64 && type == "COMPOSITE") || (digest && type == "FULL_OBJECT"))
    return errors::invalid_request(fmt::format(
        "The {} checksum type cannot be used with the {} checksum algorithm.", type, algorithm_name(*kind)));
  return std::optional(StoredChecksum{*kind, type.empty() ? !crc64 : type == "COMPOSITE", {}});
}

/// Ids begin with the time, so that uploads of one key are listed in the order they began.
std::string new_upload_id(WallTime now, Ids& ids) {
  return fmt::format("{:012x}{}", to_millis(now), ids.hex(26));
}

struct UploadPage {
  std::vector<storage::UploadRow> uploads;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string last_key, last_id;
};

struct UploadQuery {
  std::string prefix, delimiter, key_marker, id_marker;
  std::size_t limit = 1000;
};

/// Adds one upload, or the group it falls under; false ends the walk.
bool take(UploadPage& page, const UploadQuery& query, const storage::UploadRow& upload) {
  if (!upload.key.starts_with(query.prefix)) return upload.key < query.prefix;
  const auto group = storage::group_of(upload.key, query.prefix, query.delimiter);
  const bool seen =
      !group.empty() &&
      ((!page.common_prefixes.empty() && page.common_prefixes.back() == group) || group == query.key_marker);
  if (seen) return true;
  page.truncated = page.uploads.size() + page.common_prefixes.size() >= query.limit;
  if (page.truncated) return false;
  if (group.empty()) {
    page.uploads.push_back(upload);
    page.last_key = upload.key;
    page.last_id = upload.id;
  } else {
    page.common_prefixes.emplace_back(group);
    page.last_key = group;
    page.last_id.clear();
  }
  return true;
}

Result<UploadPage> uploads_on_page(Connection& db, std::int64_t bucket, const UploadQuery& query) {
  UploadPage page;
  // Without an id marker the whole key of the marker is behind us.
  const auto& id = query.id_marker.empty() && !query.key_marker.empty() ? std::string("~") : query.id_marker;
  const auto& from = std::max(query.key_marker, query.prefix);
  TRY(storage::walk_uploads(db, bucket, from, from == query.key_marker ? id : std::string(),
                            [&](const storage::UploadRow& upload) { return take(page, query, upload); }));
  return page;
}

Document describe(const storage::UploadRow& upload, const User& initiator, const User& owner, bool url) {
  Document one;
  one["Key"] = url ? url_encoded(upload.key) : upload.key;
  one["UploadId"] = upload.id;
  one["Initiator"] = shown_user(initiator);
  one["Owner"] = shown_user(owner);
  one["StorageClass"] = upload.storage_class;
  one["Initiated"] = to_epoch_seconds(upload.started);
  if (const auto checksum = StoredChecksum::from(upload.checksum)) {
    one["ChecksumAlgorithm"] = algorithm_name(checksum->kind);
    one["ChecksumType"] = checksum->type();
  }
  return one;
}

}  // namespace

S3Service::UploadUsers S3Service::users_of(const storage::Bucket& bucket,
                                           const storage::UploadRow& upload) const {
  const auto account = [&](const std::string& named) {
    return accounts_.user_of(named.empty() ? bucket.account : named);
  };
  return {account(initiator_of(upload.extras)), account(ObjectAcl::of(upload.extras).owner)};
}

Reply<Output> S3Service::create_multipart_upload(Context& context, Input in) {
  TRY(check_key(in.text("Key")));
  TRY(auto target, writable(context, in.params));
  if (target.permit.bucket.id == 0)
    TRY(refuse_upstream(context, target.permit.bucket.name, action::kPutObject));
  TRY(const auto checksum, planned_checksum(in));
  TRY(const auto properties, properties_from(in.params, target.encryption, ids_));
  TRY(const auto tags, tags_from_header(in.text("Tagging")));
  storage::UploadRow upload;
  upload.key = in.text("Key");
  upload.id = new_upload_id(context.now(), ids_);
  upload.started = context.now();
  TRY(upload.storage_class, storage_class_from(in.params));
  if (checksum) upload.checksum = checksum->text();
  upload.properties = storage::pack(properties);
  upload.tags = storage::pack(tags);
  TRY(const auto locks, locks_for_new(in.params, target.object_lock, upload.started));
  upload.extras = target.acl.put_into(locks.put_into({}));
  if (target.permit.claim.account != target.permit.bucket.account)
    upload.extras = with_initiator(upload.extras, target.permit.claim.account);

  Output output;
  output.fields["Bucket"] = target.permit.bucket.name;
  output.fields["Key"] = upload.key;
  output.fields["UploadId"] = upload.id;
  if (checksum) {
    output.fields["ChecksumAlgorithm"] = algorithm_name(checksum->kind);
    output.fields["ChecksumType"] = checksum->type();
  }
  show_encryption(output.fields, properties, in.params);
  TRY(show_abortion(output.fields, target.permit.bucket.name, upload));
  const errors::Refusal refusal;
  auto ticket = ledger_.commit([this, permit = std::move(target.permit), upload = std::move(upload),
                                refusal](Connection& db) -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    return storage::insert_upload(db, now.id, upload);
  });
  return answer_after(std::move(output), refusal, std::move(ticket));
}

Reply<Output> S3Service::abort_multipart_upload(Context& context, Input in) {
  TRY(const auto permit, permitted(context, in.params, action::kAbortMultipartUpload));
  const errors::Refusal refusal;
  const auto& key = in.text("Key");
  const auto& id = in.text("UploadId");
  const auto ticket = objects_.commit([&](Connection& db, storage::BodyId, Freed& freed) -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    TRY(const auto upload, storage::find_upload(db, now.id, key, id));
    if (!upload) return refusal.with(errors::no_such_upload(id));
    return storage::delete_upload(db, now.id, key, id, {}, freed);
  });
  TRY(done(refusal, ticket));
  return Output();
}

Reply<Output> S3Service::list_multipart_uploads(Context& context, Input in) {
  TRY(const auto permit, permitted(context, in.params, action::kListBucketMultipartUploads));
  const auto& bucket = permit.bucket;
  UploadQuery query{in.text("Prefix"), in.text("Delimiter"), in.text("KeyMarker"), in.text("UploadIdMarker"),
                    1000};
  if (query.key_marker.empty()) query.id_marker.clear();
  query.limit = static_cast<std::size_t>(std::clamp<std::int64_t>(in.number("MaxUploads", 1000), 1, 1000));
  TRY(const bool url, wants_url(in));
  UploadPage page;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(page, uploads_on_page(db, bucket.id, query));
    return {};
  })));
  const auto spelled = [url](const std::string& text) { return url ? url_encoded(text) : text; };
  Output output;
  auto& fields = output.fields;
  fields = {{"Bucket", bucket.name},
            {"KeyMarker", spelled(query.key_marker)},
            {"UploadIdMarker", query.id_marker},
            {"Prefix", spelled(query.prefix)},
            {"MaxUploads", query.limit},
            {"IsTruncated", page.truncated},
            {"Uploads", Document::array()},
            {"CommonPrefixes", Document::array()}};
  if (!query.delimiter.empty()) fields["Delimiter"] = spelled(query.delimiter);
  if (url) fields["EncodingType"] = "url";
  if (page.truncated) {
    fields["NextKeyMarker"] = spelled(page.last_key);
    fields["NextUploadIdMarker"] = page.last_id;
  }
  for (const auto& upload : page.uploads) {
    const auto users = users_of(bucket, upload);
    fields["Uploads"].push_back(describe(upload, users.initiator, users.owner, url));
  }
  for (const auto& prefix : page.common_prefixes)
    fields["CommonPrefixes"].push_back({{"Prefix", spelled(prefix)}});
  return output;
}

}  // namespace sagelet::s3
