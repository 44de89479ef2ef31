// Get, Put and DeleteBucketOwnershipControls, -PublicAccessBlock; what a new bucket has of both.
#include <algorithm>

#include "nlohmann/json.hpp"
#include "server/services/s3/access/acl_request.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

namespace {

/// Does the ACL give anything to anybody but the owner?
bool gives_to_others(const BucketRules& rules, std::string_view owner) {
  if (!rules.grants) return false;
  const auto user = canonical_user(owner);
  return std::any_of(rules.grants->begin(), rules.grants->end(),
                     [&](const Grant& grant) { return grant.grantee != user; });
}

Reply<Ownership> ownership_in(const Document& params) {
  const auto given = params.find("OwnershipControls");
  if (given == params.end() || !given->contains("Rules") || given->at("Rules").size() != 1)
    return errors::malformed_xml();
  const auto ownership = ownership_from(given->at("Rules").at(0).value("ObjectOwnership", ""));
  if (!ownership) return errors::malformed_xml();
  return *ownership;
}

}  // namespace

Reply<BucketRules> rules_of_new_bucket(const Document& params, std::string_view owner,
                                       const Accounts& accounts) {
  BucketRules rules;
  if (params.contains("ObjectOwnership")) {
    const auto given = params.value("ObjectOwnership", "");
    const auto ownership = ownership_from(given);
    if (!ownership)
      return errors::invalid_argument("Invalid x-amz-object-ownership header", "x-amz-object-ownership",
                                      given);
    rules.ownership = *ownership;
  }
  TRY(auto grants, grants_from_headers(params, {owner, owner}, accounts));
  if (grants) rules.grants = unless_plain(std::move(*grants), owner);
  if (!rules.acls() && gives_to_others(rules, owner)) return errors::acl_with_ownership();
  return rules;
}

Reply<Output> S3Service::get_bucket_ownership_controls(Context& context, Input in) {
  TRY(const auto stored, setting(context, in, action::kGetBucketOwnershipControls, kOwnershipSetting));
  if (stored && stored->empty())
    return errors::no_such_setting("OwnershipControlsNotFoundError",
                                   "The bucket ownership controls were not found", in.text("Bucket"));
  Output output;
  const auto name = stored ? *stored : std::string(ownership_name(Ownership::kBucketOwnerEnforced));
  output.fields["OwnershipControls"] = {{"Rules", Document::array({{{"ObjectOwnership", name}}})}};
  return output;
}

Reply<Output> S3Service::put_bucket_ownership_controls(Context& context, Input in) {
  TRY(const auto permit, permitted(context, in.params, action::kPutBucketOwnershipControls));
  TRY(const auto ownership, ownership_in(in.params));
  const errors::Refusal refusal;
  auto ticket = objects_.commit([=, this](Connection& db, storage::BodyId, Freed&) -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    TRY(const auto rules, bucket_rules(db, now));
    if (ownership == Ownership::kBucketOwnerEnforced && gives_to_others(rules, now.account))
      return refusal.with(errors::acl_with_ownership());
    return storage::put_setting(db, now.id, kOwnershipSetting, ownership_name(ownership));
  });
  return answer_after(Output(), refusal, std::move(ticket));
}

/// A bucket without controls is what all buckets were before there were any: its writers own their objects.
Reply<Output> S3Service::delete_bucket_ownership_controls(Context& context, Input in) {
  return put_setting(context, in, action::kPutBucketOwnershipControls, kOwnershipSetting, "");
}

Reply<Output> S3Service::get_public_access_block(Context& context, Input in) {
  TRY(const auto stored, setting(context, in, action::kGetBucketPublicAccessBlock, kPublicAccessSetting));
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
  return put_setting(context, in, action::kPutBucketPublicAccessBlock, kPublicAccessSetting, whole.dump());
}

Reply<Output> S3Service::delete_public_access_block(Context& context, Input in) {
  return delete_setting(context, in, action::kPutBucketPublicAccessBlock, kPublicAccessSetting);
}

}  // namespace sagelet::s3
