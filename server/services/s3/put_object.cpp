// PutObject, and the sink that its body (and UploadPart's) goes to.
#include "server/services/s3/encryption.hpp"
#include "server/services/s3/properties.hpp"
#include "server/services/s3/s3.hpp"
#include "server/services/s3/tags.hpp"
#include "server/services/s3/versions.hpp"
#include "server/storage/version_rows.hpp"

namespace sagelet::s3 {

namespace {

/// Headers for what we do not do must not be taken silently.
Reply<void> refuse_unsupported(const Document& params) {
  if (params.contains("WriteOffsetBytes")) return errors::not_implemented("x-amz-write-offset-bytes");
  return {};
}

Reply<std::string> packed_tags(const Input& in) {
  TRY(const auto tags, tags_from_header(in.text("Tagging")));
  return storage::pack(tags);
}

Output describe(const storage::ObjectRow& row, const storage::Pairs& properties, const Document& params) {
  Output output;
  output.fields["ETag"] = quoted_etag(row.etag);
  if (const auto checksum = StoredChecksum::from(row.checksum)) show_checksum(output.fields, *checksum);
  show_encryption(output.fields, properties, params);
  return output;
}

}  // namespace

Reply<std::unique_ptr<http::BodySink>> S3Service::sink(Context& context, const model::Operation& operation,
                                                       const Document& params,
                                                       std::optional<std::uint64_t> length) {
  if (!length && !context.head->content_length && !context.head->headers.has("transfer-encoding"))
    return errors::missing_content_length();
  TRY(check_key(params.at("Key").get_ref<const std::string&>()));
  TRY(auto target, writable(context, params));
  std::optional<ChecksumKind> otherwise;
  if (operation.name == "UploadPart") {
    TRY(const auto planned, plan_of_upload(target.permit.bucket, params));
    otherwise = planned.checksum;
  } else {
    TRY(refuse_unsupported(params));
  }
  TRY(auto plan, BodyPlan::from(context, params, length, otherwise));
  return std::make_unique<Upload>(objects_.stage(), std::move(plan), std::move(target), md5_);
}

Reply<std::unique_ptr<Upload>> S3Service::take_upload(Context& context, const model::Operation& operation,
                                                      Input& in) {
  if (in.sink == nullptr) {
    TRY(in.sink, sink(context, operation, in.params, 0));
  }
  return std::unique_ptr<Upload>(static_cast<Upload*>(in.sink.release()));
}

Reply<Output> S3Service::put_object(Context& context, Input in) {
  TRY(auto upload, take_upload(context, *model().operation("PutObject"), in));
  TRY(const auto digested, upload->finish());
  TRY(const auto properties, properties_from(in.params, upload->target().encryption, ids_));

  storage::ObjectRow row;
  row.key = in.text("Key");
  row.size = upload->size();
  row.modified = context.now();
  row.etag = etag_under(properties, digested.md5_hex);
  TRY(row.storage_class, storage_class_from(in.params));
  if (digested.checksum) row.checksum = digested.checksum->text();
  row.properties = storage::pack(properties);
  TRY(row.tags, packed_tags(in));
  TRY(const auto locks, locks_for_new(in.params, upload->target().object_lock, row.modified));
  row.extras = upload->target().acl.put_into(locks.put_into({}));

  auto output = describe(row, properties, in.params);
  const auto event = context.from_form ? "ObjectCreated:Post" : "ObjectCreated:Put";
  return put_row(context, event, std::move(output), std::move(upload->target().permit), std::move(row),
                 upload->take(), WriteConditions::from(in.params));
}

Reply<Output> S3Service::put_row(const Context& context, std::string_view event, Output output, Permit permit,
                                 storage::ObjectRow row, storage::Staged staged, WriteConditions conditions) {
  if (permit.bucket.id == 0)
    return put_upstream(std::move(output), permit.bucket.name, std::move(row), std::move(staged), conditions);
  const errors::Refusal refusal;
  const auto bucket = permit.bucket.name;
  row.version = new_version(permit.bucket);
  show_new_version(output.fields, row.version);
  TRY(show_expiration(output.fields, bucket, row));
  auto change = [this, permit = std::move(permit), row = std::move(row), refusal,
                 note = noting(context, bucket), event, conditions = std::move(conditions)](
                    Connection& db, storage::BodyId body, Freed& freed) mutable -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    TRY(check_version(now, row.version, refusal));
    if (conditions.any()) {
      TRY(const auto old, storage::find_object(db, now.id, row.key));
      TRY(conditions.check(old ? &*old : nullptr, row.key, refusal));
    }
    row.body = body;
    TRY(storage::put_version(db, now, row, freed));
    return note.created(db, now, event, row);
  };
  auto ticket = objects_.commit(std::move(staged), std::move(change), Touches::kObjects);
  return answer_after(std::move(output), refusal, outbox_.waking(bucket, std::move(ticket)));
}

}  // namespace sagelet::s3
