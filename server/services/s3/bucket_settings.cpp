// What a bucket carries besides objects: tags, encryption, public access block; and what it never has.
#include "nlohmann/json.hpp"
#include "server/services/s3/encryption.hpp"
#include "server/services/s3/s3.hpp"
#include "server/services/s3/tags.hpp"

namespace sagelet::s3 {

namespace {

constexpr const char* kTags = "tags";
constexpr const char* kPublicAccess = "public-access-block";

Document owner_of(const Context& context) {
  return {{"ID", canonical_user(context.account().view())}};
}

Output full_control(const Context& context) {
  Output output;
  auto grantee = owner_of(context);
  grantee["Type"] = "CanonicalUser";
  output.fields["Owner"] = owner_of(context);
  output.fields["Grants"] = Document::array({{{"Grantee", grantee}, {"Permission", "FULL_CONTROL"}}});
  return output;
}

}  // namespace

Reply<std::optional<std::string>> S3Service::setting(const Context& context, const Input& in,
                                                     const char* kind) {
  TRY(const auto bucket, owned(context, in));
  std::optional<std::string> value;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(value, storage::find_setting(db, bucket.id, kind));
    return {};
  })));
  return value;
}

Reply<Output> S3Service::put_setting(Context& context, const Input& in, const char* kind, std::string value) {
  TRY(const auto bucket, owned(context, in));
  const errors::Refusal refusal;
  auto ticket = ledger_.commit([=, this, account = context.account()](Connection& db) -> Status {
    TRY(const auto now, owned(db, account, bucket.name, refusal));
    return storage::put_setting(db, now.id, kind, value);
  });
  return answer_after(Output(), refusal, std::move(ticket));
}

Reply<Output> S3Service::delete_setting(Context& context, const Input& in, const char* kind) {
  TRY(const auto bucket, owned(context, in));
  const errors::Refusal refusal;
  auto ticket = ledger_.commit([=, this, account = context.account()](Connection& db) -> Status {
    TRY(const auto now, owned(db, account, bucket.name, refusal));
    return storage::delete_setting(db, now.id, kind);
  });
  return answer_after(Output(), refusal, std::move(ticket));
}

Reply<Output> S3Service::get_bucket_tagging(Context& context, Input in) {
  TRY(const auto packed, setting(context, in, kTags));
  if (!packed) return errors::no_such_tag_set(in.text("Bucket"));
  Output output;
  output.fields["TagSet"] = tag_set(storage::unpack(*packed));
  return output;
}

Reply<Output> S3Service::put_bucket_tagging(Context& context, Input in) {
  if (!in.has("Tagging")) return errors::malformed_xml();
  TRY(const auto tags, tags_from(in.params["Tagging"], kMostBucketTags));
  if (tags.empty()) return delete_setting(context, in, kTags);
  return put_setting(context, in, kTags, storage::pack(tags));
}

Reply<Output> S3Service::delete_bucket_tagging(Context& context, Input in) {
  return delete_setting(context, in, kTags);
}

Reply<Output> S3Service::get_bucket_encryption(Context& context, Input in) {
  TRY(const auto stored, setting(context, in, kEncryptionSetting));
  Output output;
  output.fields["ServerSideEncryptionConfiguration"] =
      stored ? Document::parse(*stored) : default_encryption_configuration();
  return output;
}

Reply<Output> S3Service::put_bucket_encryption(Context& context, Input in) {
  TRY(const auto given, encryption_configuration_from(in.params));
  return put_setting(context, in, kEncryptionSetting, given.dump());
}

Reply<Output> S3Service::delete_bucket_encryption(Context& context, Input in) {
  return delete_setting(context, in, kEncryptionSetting);
}

Reply<Output> S3Service::get_public_access_block(Context& context, Input in) {
  TRY(const auto stored, setting(context, in, kPublicAccess));
  if (!stored)
    return errors::no_such_setting("NoSuchPublicAccessBlockConfiguration",
                                   "The public access block configuration was not found", in.text("Bucket"));
  Output output;
  output.fields["PublicAccessBlockConfiguration"] = Document::parse(*stored);
  return output;
}

Reply<Output> S3Service::put_public_access_block(Context& context, Input in) {
  const auto given = in.params.find("PublicAccessBlockConfiguration");
  if (given == in.params.end()) return errors::malformed_xml();
  Document whole;
  for (const char* name :
       {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"})
    whole[name] = given->value(name, false);
  return put_setting(context, in, kPublicAccess, whole.dump());
}

Reply<Output> S3Service::delete_public_access_block(Context& context, Input in) {
  return delete_setting(context, in, kPublicAccess);
}

Reply<Output> S3Service::get_bucket_acl(Context& context, Input in) {
  TRY(owned(context, in));
  return full_control(context);
}

Reply<Output> S3Service::get_object_acl(Context& context, Input in) {
  TRY(open(context, in, Want::kRecord));
  return full_control(context);
}

Reply<Output> S3Service::absent_setting(Context& context, const Input& in, std::string_view code,
                                        std::string_view message) {
  TRY(owned(context, in));
  return errors::no_such_setting(code, message, in.text("Bucket"));
}

}  // namespace sagelet::s3
