// GetObjectTagging, PutObjectTagging, DeleteObjectTagging.
#include "server/services/s3/tags.hpp"

#include "server/services/s3/s3.hpp"
#include "server/services/s3/versions.hpp"
#include "server/storage/version_rows.hpp"

namespace sagelet::s3 {

Reply<Output> S3Service::get_object_tagging(Context& context, Input in) {
  TRY(const auto object, open(context, in, action::kGetObjectTagging, Want::kRecord));
  Output output;
  show_version(output.fields, object.permit.bucket, object.row.version);
  output.fields["TagSet"] = tag_set(storage::unpack(object.row.tags));
  return output;
}

Reply<Output> S3Service::put_object_tagging(Context& context, Input in) {
  return put_tags(context, std::move(in), action::kPutObjectTagging);
}

Reply<Output> S3Service::put_tags(Context& context, Input in, const Action& action) {
  const ObjectName name{in.text("Bucket"), in.text("Key"), in.text("VersionId")};
  if (seed(name.bucket) != nullptr) return errors::access_denied();
  if (!in.has("Tagging")) return errors::malformed_xml();
  TRY(const auto tags, tags_from(in.params["Tagging"], kMostObjectTags));
  TRY(const auto object, open(context, in, action, Want::kRecord));  // a delete marker has no tags
  Output output;
  show_version(output.fields, object.permit.bucket, object.row.version);
  const errors::Refusal refusal;
  auto ticket = objects_.commit([this, name, permit = object.permit, version = object.row.version, refusal,
                                 packed = storage::pack(tags)](Connection& db, storage::BodyId,
                                                               storage::Freed&) -> Status {
    TRY(const auto row, storage::find_version(db, permit.bucket.id, name.key, stored_version(version)));
    TRY(const auto now, permitted(db, permit, refusal, row ? &*row : nullptr));
    TRY(const bool found, storage::set_version_tags(db, now.id, name.key, stored_version(version), packed));
    if (!found) return refusal.with(errors::no_such_key(name.key));
    return {};
  });
  return answer_after(std::move(output), refusal, std::move(ticket));
}

Reply<Output> S3Service::delete_object_tagging(Context& context, Input in) {
  in.params["Tagging"] = {{"TagSet", Document::array()}};
  return put_tags(context, std::move(in), action::kDeleteObjectTagging);
}

}  // namespace sagelet::s3
