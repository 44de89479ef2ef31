// GetBucketAcl, PutBucketAcl, GetObjectAcl, PutObjectAcl.
#include "server/services/s3/access/acl_request.hpp"
#include "server/services/s3/s3.hpp"
#include "server/storage/version_rows.hpp"

namespace sagelet::s3 {

namespace {

/// Grants that may be kept in a bucket of these rules.
Reply<void> check_grants(const Grants& grants, const BucketRules& rules) {
  if (rules.block.block_public_acls && any_public(grants)) return errors::access_denied();
  return {};
}

Status put_or_drop(Connection& db, std::int64_t bucket, const std::optional<Grants>& grants) {
  if (!grants) return storage::delete_setting(db, bucket, kAclSetting);
  return storage::put_setting(db, bucket, kAclSetting, pack_grants(*grants));
}

}  // namespace

Reply<BucketRules> S3Service::rules(const storage::Bucket& bucket) {
  BucketRules rules;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(rules, bucket_rules(db, bucket));
    return {};
  })));
  return rules;
}

Reply<Output> S3Service::get_bucket_acl(Context& context, Input in) {
  TRY(const auto permit, permitted(context, in.params, action::kGetBucketAcl));
  TRY(const auto now, rules(permit.bucket));
  Output output;
  show_acl(output.fields, permit.bucket.account, now.acls() ? now.grants : std::nullopt, accounts_);
  return output;
}

Reply<Output> S3Service::put_bucket_acl(Context& context, Input in) {
  TRY(const auto permit, permitted(context, in.params, action::kPutBucketAcl));
  TRY(const auto before, rules(permit.bucket));
  if (!before.acls()) return errors::acls_are_off();
  const std::string_view owner = permit.bucket.account;
  TRY(auto grants, grants_of_put(in.params, {owner, owner}, accounts_));
  TRY(check_grants(grants, before));
  const errors::Refusal refusal;
  auto ticket = objects_.commit([this, permit, refusal, kept = unless_plain(std::move(grants), owner)](
                                    Connection& db, storage::BodyId, Freed&) -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    return put_or_drop(db, now.id, kept);
  });
  return answer_after(Output(), refusal, std::move(ticket));
}

Reply<Output> S3Service::get_object_acl(Context& context, Input in) {
  TRY(const auto object, open(context, in, action::kGetObjectAcl, Want::kRecord));
  const auto& bucket = object.permit.bucket;
  Output output;
  if (bucket.id == 0) {  // a seeded one
    show_acl(output.fields, context.account().view(), std::nullopt, accounts_);
    return output;
  }
  TRY(const auto now, rules(bucket));
  const auto acl = now.acls() ? ObjectAcl::of(object.row.extras) : ObjectAcl();
  show_acl(output.fields, acl.owner.empty() ? bucket.account : acl.owner, acl.grants, accounts_);
  return output;
}

Reply<Output> S3Service::put_object_acl(Context& context, Input in) {
  if (seed(in.text("Bucket")) != nullptr) return errors::access_denied();
  TRY(const auto object, open(context, in, action::kPutObjectAcl, Want::kRecord));
  const auto& bucket = object.permit.bucket;
  TRY(const auto before, rules(bucket));
  if (!before.acls()) {
    if (in.text("ACL") == "bucket-owner-full-control") return Output();
    return errors::acls_are_off();
  }
  auto acl = ObjectAcl::of(object.row.extras);
  const std::string_view owner = acl.owner.empty() ? bucket.account : acl.owner;
  TRY(auto grants, grants_of_put(in.params, {owner, bucket.account}, accounts_));
  TRY(check_grants(grants, before));
  acl.grants = unless_plain(std::move(grants), owner);
  const errors::Refusal refusal;
  auto ticket = objects_.commit([this, permit = object.permit, key = in.text("Key"), refusal,
                                 version = std::string(stored_version(object.row.version)),
                                 acl = std::move(acl)](Connection& db, storage::BodyId, Freed&) -> Status {
    TRY(const auto row, storage::find_version(db, permit.bucket.id, key, version));
    TRY(const auto now, permitted(db, permit, refusal, row ? &*row : nullptr));
    if (!row) return refusal.with(errors::no_such_key(key));
    return storage::set_version_extras(db, now.id, key, version, acl.put_into(row->extras));
  });
  return answer_after(Output(), refusal, std::move(ticket));
}

}  // namespace sagelet::s3
