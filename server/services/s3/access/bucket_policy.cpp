// A bucket's policy as a document: put, read, judged public.
#include "nlohmann/json.hpp"
#include "server/services/s3/access/policy.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

Reply<Output> S3Service::get_bucket_policy(Context& context, Input in) {
  TRY(auto stored, setting(context, in, action::kGetBucketPolicy, kPolicySetting));
  if (!stored)
    return errors::no_such_setting("NoSuchBucketPolicy", "The bucket policy does not exist",
                                   in.text("Bucket"));
  Output output;
  output.fields["Policy"] = std::move(*stored);
  return output;
}

Reply<Output> S3Service::put_bucket_policy(Context& context, Input in) {
  TRY(const auto permit, permitted(context, in.params, action::kPutBucketPolicy));
  const auto& text = in.text("Policy");
  TRY(const auto policy, Policy::parse(text, permit.bucket.name));
  const errors::Refusal refusal;
  auto change = [this, permit, text, is_public = policy.is_public(), arn = context.identity.arn, refusal](
                    Connection& db, storage::BodyId, Freed&) -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    TRY(const auto rules, bucket_rules(db, now));
    if (is_public && rules.block.block_public_policy)
      return refusal.with(errors::public_policy_blocked(arn, now.name));
    return storage::put_setting(db, now.id, kPolicySetting, text);
  };
  Output output;
  output.status = 204;
  return answer_after(std::move(output), refusal, objects_.commit(std::move(change)));
}

Reply<Output> S3Service::delete_bucket_policy(Context& context, Input in) {
  return delete_setting(context, in, action::kDeleteBucketPolicy, kPolicySetting);
}

Reply<Output> S3Service::get_bucket_policy_status(Context& context, Input in) {
  bool is_public = false;
  const auto look = [&](Connection& db, const storage::Bucket& bucket) -> Status {
    TRY(const auto rules, bucket_rules(db, bucket));
    const auto policy = rules.policy ? Policy::parse(*rules.policy, bucket.name) : Policy();
    is_public =
        (policy && policy->is_public()) ||
        (rules.acls() && rules.grants && !rules.block.ignore_public_acls && any_public(*rules.grants));
    return {};
  };
  TRY(permitted(context, in.params, action::kGetBucketPolicyStatus, look));
  Output output;
  output.fields["PolicyStatus"] = {{"IsPublic", is_public}};
  return output;
}

}  // namespace sagelet::s3
