// What a bucket carries besides objects: tags, encryption; and what it never has.
#include "nlohmann/json.hpp"
#include "server/services/s3/encryption.hpp"
#include "server/services/s3/s3.hpp"
#include "server/services/s3/tags.hpp"

namespace sagelet::s3 {

namespace {

constexpr const char* kTags = "tags";

}  // namespace

Reply<std::optional<std::string>> S3Service::setting(const Context& context, const Input& in,
                                                     const Action& action, const char* kind) {
  std::optional<std::string> value;
  TRY(permitted(context, in.params, action, [&](Connection& db, const storage::Bucket& bucket) -> Status {
    TRY(value, storage::find_setting(db, bucket.id, kind));
    return {};
  }));
  return value;
}

Reply<Output> S3Service::put_setting(Context& context, const Input& in, const Action& action,
                                     const char* kind, std::string value) {
  TRY(const auto permit, permitted(context, in.params, action));
  const errors::Refusal refusal;
  auto ticket = objects_.commit([=, this](Connection& db, storage::BodyId, Freed&) -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    return storage::put_setting(db, now.id, kind, value);
  });
  return answer_after(Output(), refusal, std::move(ticket));
}

Reply<Output> S3Service::delete_setting(Context& context, const Input& in, const Action& action,
                                        const char* kind) {
  TRY(const auto permit, permitted(context, in.params, action));
  const errors::Refusal refusal;
  auto ticket = objects_.commit([=, this](Connection& db, storage::BodyId, Freed&) -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    return storage::delete_setting(db, now.id, kind);
  });
  return answer_after(Output(), refusal, std::move(ticket));
}

Reply<Output> S3Service::get_bucket_tagging(Context& context, Input in) {
  TRY(const auto packed, setting(context, in, action::kGetBucketTagging, kTags));
  if (!packed) return errors::no_such_tag_set(in.text("Bucket"));
  Output output;
  output.fields["TagSet"] = tag_set(storage::unpack(*packed));
  return output;
}

Reply<Output> S3Service::put_bucket_tagging(Context& context, Input in) {
  if (!in.has("Tagging")) return errors::malformed_xml();
  TRY(const auto tags, tags_from(in.params["Tagging"], kMostBucketTags));
  if (tags.empty()) return delete_setting(context, in, action::kPutBucketTagging, kTags);
  return put_setting(context, in, action::kPutBucketTagging, kTags, storage::pack(tags));
}

Reply<Output> S3Service::delete_bucket_tagging(Context& context, Input in) {
  return delete_setting(context, in, action::kPutBucketTagging, kTags);
}

Reply<Output> S3Service::get_bucket_encryption(Context& context, Input in) {
  TRY(const auto stored, setting(context, in, action::kGetEncryptionConfiguration, kEncryptionSetting));
  Output output;
  output.fields["ServerSideEncryptionConfiguration"] =
      stored ? Document::parse(*stored) : default_encryption_configuration();
  return output;
}

Reply<Output> S3Service::put_bucket_encryption(Context& context, Input in) {
  TRY(const auto given, encryption_configuration_from(in.params));
  return put_setting(context, in, action::kPutEncryptionConfiguration, kEncryptionSetting, given.dump());
}

Reply<Output> S3Service::delete_bucket_encryption(Context& context, Input in) {
  return delete_setting(context, in, action::kPutEncryptionConfiguration, kEncryptionSetting);
}

Reply<Output> S3Service::absent_setting(Context& context, const Input& in, const Action& action,
                                        std::string_view code, std::string_view message) {
  TRY(permitted(context, in.params, action));
  return errors::no_such_setting(code, message, in.text("Bucket"));
}

}  // namespace sagelet::s3
