// GetObjectTagging, PutObjectTagging, DeleteObjectTagging.
#include "server/services/s3/tags.hpp"

#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

Reply<Output> S3Service::get_object_tagging(Context& context, Input in) {
  TRY(const auto object, open(context, in, Want::kRecord));
  Output output;
  output.fields["TagSet"] = tag_set(storage::unpack(object.row.tags));
  return output;
}

Reply<Output> S3Service::put_object_tagging(Context& context, Input in) {
  TRY(const auto bucket, owned(context, in));
  if (!in.has("Tagging")) return errors::malformed_xml();
  TRY(const auto tags, tags_from(in.params["Tagging"], kMostObjectTags));
  const errors::Refusal refusal;
  auto ticket = objects_.commit(
      [this, name = bucket.name, account = context.account(), key = in.text("Key"), refusal,
       packed = storage::pack(tags)](Connection& db, storage::BodyId, storage::Freed&) -> Status {
        TRY(const auto now, owned(db, account, name, refusal));
        TRY(const bool found, storage::set_object_tags(db, now.id, key, packed));
        if (!found) return refusal.with(errors::no_such_key(key));
        return {};
      });
  return answer_after(Output(), refusal, std::move(ticket));
}

Reply<Output> S3Service::delete_object_tagging(Context& context, Input in) {
  in.params["Tagging"] = {{"TagSet", Document::array()}};
  return put_object_tagging(context, std::move(in));
}

}  // namespace sagelet::s3
