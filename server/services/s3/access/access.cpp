// Who may do what: may() decides, everything else here asks it. Seeded buckets are everybody's to read.
#include "server/services/s3/access/acl_request.hpp"
#include "server/services/s3/access/judge.hpp"
#include "server/services/s3/access/policy_facts.hpp"
#include "server/services/s3/encryption.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

namespace {

/// The quick way, without a query: an owner, in a bucket without a policy, of an object that is not
/// another's.
bool plainly_owned(const Claim& claim, const storage::Bucket& bucket, const storage::ObjectRow* row) {
  if (claim.account != bucket.account || bucket.has(kPolicySetting)) return false;
  return row == nullptr || row->extras.empty() || ObjectAcl::of(row->extras).owner.empty();
}

bool takes_locks(const storage::Bucket& bucket) {
  return bucket.versioning == storage::Versioning::kEnabled && bucket.has(kObjectLock);
}

/// Has it settings that a new object takes something from?
bool gives_to_new_objects(const storage::Bucket& bucket) {
  return bucket.has(kEncryptionSetting) || takes_locks(bucket);
}

Reply<void> check_expected(const Document& params, const storage::Bucket& bucket, std::string_view member) {
  const auto expected = params.find(member);
  if (expected != params.end() && expected->is_string() && *expected != bucket.account)
    return errors::access_denied();
  return {};
}

api::Error missing(const ObjectName& name) {
  return name.version.empty() ? errors::no_such_key(name.key)
                              : errors::no_such_version(name.key, name.version);
}

ObjectName named_in(const Document& params, const Action& action) {
  ObjectName name{params.at("Bucket").get<std::string>(), {}, {}};
  if (!action.of_object) return name;
  name.key = params.value("Key", "");
  name.version = params.value("VersionId", "");
  return name;
}

}  // namespace

SeedFolder* S3Service::seed(std::string_view bucket) {
  const auto found = seeds_.find(bucket);
  return found == seeds_.end() ? nullptr : found->second.get();
}

Claim S3Service::claim(const Context& context, const Document& params, const Action& action,
                       const storage::Bucket& bucket, const ObjectName* object) const {
  Claim made;
  if (!context.identity.anonymous()) made.account = context.account().str();
  made.action = &action;
  if (bucket.has(kPolicySetting))
    made.facts =
        policy_facts(context, params, action, object != nullptr ? *object : named_in(params, action));
  return made;
}

Result<bool> S3Service::may(Connection& db, const Claim& claim, const storage::Bucket& bucket,
                            const storage::ObjectRow* row) {
  if (plainly_owned(claim, bucket, row)) return true;
  TRY(const auto rules, bucket_rules(db, bucket));
  Question question{*claim.action, claim.account, bucket.account, rules};
  if (rules.policy && claim.facts) {
    const auto says = policy_says(*rules.policy, bucket, claim, row);
    question.policy = says.verdict;
    question.policy_is_public = says.is_public;
  }
  if (row != nullptr) question.object = ObjectAcl::of(row->extras);
  return judge(question);
}

Reply<bool> S3Service::may(const Claim& claim, const storage::Bucket& bucket, const storage::ObjectRow* row) {
  if (plainly_owned(claim, bucket, row)) return true;
  bool allowed = false;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(allowed, may(db, claim, bucket, row));
    return {};
  })));
  return allowed;
}

Reply<Readable> S3Service::readable(const Context& context, const Input& in, const Action& action) {
  const auto& name = in.text("Bucket");
  if (auto* folder = seed(name)) return Readable{std::nullopt, folder, region_};
  TRY(auto permit, permitted(context, in.params, action));
  auto region = permit.bucket.region;
  return Readable{std::move(permit.bucket), nullptr, std::move(region)};
}

Reply<storage::Bucket> S3Service::known(const Document& params) {
  const auto& name = params.at("Bucket").get_ref<const std::string&>();
  if (seed(name) != nullptr) return errors::access_denied();
  std::optional<storage::Bucket> bucket;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(bucket, storage::find_bucket(db, name));
    return {};
  })));
  if (!bucket) return errors::no_such_bucket(name);
  TRY(check_expected(params, *bucket, "ExpectedBucketOwner"));
  return std::move(*bucket);
}

Reply<std::optional<Permit>> S3Service::owners_permit(const Context& context, const Document& params,
                                                      const Action& action) {
  const auto& name = params.at("Bucket").get_ref<const std::string&>();
  if (seed(name) != nullptr) return errors::access_denied();
  TRY(auto bucket, errors::lift(objects_.find_bucket(name)));
  if (!bucket || bucket->has(kPolicySetting)) return std::optional<Permit>();
  Permit permit;
  permit.claim = claim(context, params, action, *bucket);
  if (!plainly_owned(permit.claim, *bucket, nullptr)) return std::optional<Permit>();
  TRY(check_expected(params, *bucket, "ExpectedBucketOwner"));
  permit.bucket = std::move(*bucket);
  return std::optional(std::move(permit));
}

Reply<Permit> S3Service::permitted(const Context& context, const Document& params, const Action& action,
                                   const std::function<Status(Connection&, const storage::Bucket&)>& also) {
  const auto& name = params.at("Bucket").get_ref<const std::string&>();
  if (seed(name) != nullptr) return errors::access_denied();
  if (!also) {
    TRY(auto quick, owners_permit(context, params, action));
    if (quick) return std::move(*quick);
  }
  Permit permit;
  bool found = false, allowed = false;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(auto bucket, storage::find_bucket(db, name));
    if (!bucket) return {};
    found = true;
    permit.claim = claim(context, params, action, *bucket);
    permit.bucket = std::move(*bucket);
    TRY(allowed, may(db, permit.claim, permit.bucket));
    return allowed && also ? also(db, permit.bucket) : Status();
  })));
  if (!found) {
    TRY(refuse_upstream(context, name, action));
    return errors::no_such_bucket(name);
  }
  TRY(check_expected(params, permit.bucket, "ExpectedBucketOwner"));
  if (!allowed) return errors::access_denied();
  return permit;
}

Reply<Writable> S3Service::writable(const Context& context, const Document& params, const Action& action) {
  Writable target;
  const auto& name = params.at("Bucket").get_ref<const std::string&>();
  TRY(const bool through, written_through(context, name));
  if (through) {
    target.permit.bucket = {0, name, context.account().str(), upstream_->region(), context.now()};
    return target;
  }
  TRY(auto quick, owners_permit(context, params, action));
  if (quick && !asks_for_acl(params) && !gives_to_new_objects(quick->bucket)) {
    target.permit = std::move(*quick);
    return target;
  }
  std::optional<BucketRules> rules;  // an owner who asks for no ACL needs none
  const auto also = [&](Connection& db, const storage::Bucket& bucket) -> Status {
    if (asks_for_acl(params) || context.account().str() != bucket.account) {
      TRY(rules, bucket_rules(db, bucket));
    }
    if (bucket.has(kEncryptionSetting)) {
      TRY(target.encryption, storage::find_setting(db, bucket.id, kEncryptionSetting));
    }
    if (takes_locks(bucket)) {
      TRY(target.object_lock, storage::find_setting(db, bucket.id, kObjectLock));
    }
    return {};
  };
  TRY(target.permit, permitted(context, params, action, also));
  if (rules) {
    TRY(target.acl, acl_of_new_object(params, target.permit.claim.account, target.permit.bucket.account,
                                      *rules, accounts_));
  }
  return target;
}

Result<storage::Bucket> S3Service::permitted(Connection& db, const Permit& permit,
                                             const errors::Refusal& refusal, const storage::ObjectRow* row) {
  TRY(auto bucket, storage::find_bucket(db, permit.bucket.name));
  if (!bucket) return refusal.with(errors::no_such_bucket(permit.bucket.name));
  TRY(const bool allowed, may(db, permit.claim, *bucket, row));
  if (!allowed) return refusal.with(errors::access_denied());
  return std::move(*bucket);
}

Reply<OpenedObject> S3Service::open(const Context& context, const Input& in, const Action& action,
                                    Want want) {
  return open(context, in.params, {in.text("Bucket"), in.text("Key"), in.text("VersionId")}, action, want);
}

Reply<OpenedObject> S3Service::open(const Context& context, const Document& params, const ObjectName& name,
                                    const Action& action, Want want, std::string_view expected_owner) {
  if (auto* folder = seed(name.bucket)) {
    TRY(auto object, errors::lift(folder->find(name.key, want)));
    if (!object || !is_null_or_newest(name.version)) return missing(name);
    return OpenedObject{std::move(*object), {}};
  }
  TRY(auto* const other, upstream_for(context, name.bucket));
  if (other != nullptr) return open_from(*other, context, name, action, want);
  const bool newest = name.version.empty();
  TRY(auto found, errors::lift(newest ? objects_.find(name.bucket, name.key, want)
                                      : objects_.find_version(name.bucket, name.key,
                                                              stored_version(name.version), want)));
  if (!found.bucket) return errors::no_such_bucket(name.bucket);
  TRY(check_expected(params, *found.bucket, expected_owner));
  if (!found.object) return nothing_there(context, params, name, found);
  OpenedObject object{std::move(*found.object), {std::move(*found.bucket), {}}};
  const auto& bucket = object.permit.bucket;
  object.permit.claim = claim(context, params, action, bucket, &name);
  TRY(const bool allowed, may(object.permit.claim, bucket, &object.row));
  if (!allowed) return errors::access_denied();
  if (bucket.versioning != storage::Versioning::kNever)
    object.row.version = shown_version(object.row.version);
  return object;
}

/// Only who may list the bucket learns that nothing is there.
api::Error S3Service::nothing_there(const Context& context, const Document& params, const ObjectName& name,
                                    const storage::ObjectStore::Found& found) {
  const auto lists = may(claim(context, params, action::kListBucket, *found.bucket, &name), *found.bucket);
  if (!lists) return lists.error();
  if (!*lists) return errors::access_denied();
  if (auto possible = check_key(name.key); !possible) return possible.error();
  if (found.marker) return errors::delete_marker(name.key, found.marker_version, !name.version.empty());
  return missing(name);
}

Reply<Output> S3Service::answer_after(Output output, const errors::Refusal& refusal, Ticket ticket) {
  output.after = std::move(ticket);
  output.failed = [refusal](const Error& error) { return refusal.answer(error); };
  return output;
}

Reply<void> S3Service::done(const errors::Refusal& refusal, const Ticket& ticket) {
  if (auto status = ticket.wait(); !status) return refusal.answer(status.error());
  return {};
}

Result<bool> S3Service::any_under(const AccountId& account, std::string_view bucket,
                                  std::string_view prefix) {
  if (auto* folder = seed(bucket)) return folder->any_under(prefix);
  if (auto* other = upstream(bucket)) {
    const auto page = other->list(bucket, {.prefix = std::string(prefix), .limit = 1}, false);
    if (!page) return Error(ErrorKind::kUnavailable, page.error().message);
    return !page->objects.empty();
  }
  bool any = false;
  TRY(ledger_.read([&](Connection& db) -> Status {
    TRY(const auto found, storage::find_bucket(db, bucket));
    if (!found || found->account != account.str())
      return Error(ErrorKind::kNotFound, "no bucket " + std::string(bucket));
    TRY(any, storage::any_object_under(db, found->id, prefix));
    return {};
  }));
  return any;
}

}  // namespace sagelet::s3
