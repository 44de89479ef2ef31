// ListBuckets, CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation.
#include <algorithm>
#include <array>

#include "server/services/s3/access/acl_request.hpp"
#include "server/services/s3/list_page.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::string_view kFirstRegion = "us-east-1";

bool known_location(const model::ServiceModel& model, std::string_view constraint) {
  const auto* shape = model.shape("BucketLocationConstraint");
  return shape != nullptr && std::find(shape->enum_values.begin(), shape->enum_values.end(), constraint) !=
                                 shape->enum_values.end();
}

/// The region a new bucket gets. us-east-1 takes every location; other endpoints only their own, and by name.
Reply<std::string> region_for(const Context& context, const Input& in, const model::ServiceModel& model) {
  std::string constraint;
  if (const auto given = in.params.find("CreateBucketConfiguration"); given != in.params.end())
    if (const auto member = given->find("LocationConstraint"); member != given->end() && member->is_string())
      constraint = member->get<std::string>();
  const auto& here = context.region.str();
  if (constraint.empty()) {
    if (here != kFirstRegion) return errors::illegal_location(constraint);
    return here;
  }
  const std::string region = constraint == "EU" ? "eu-west-1" : constraint;
  if (!known_location(model, constraint)) return errors::invalid_location(constraint);
  if (here != kFirstRegion && here != region) return errors::illegal_location(constraint);
  return region;
}

void write_bucket(model::Writer& to, const storage::Bucket& bucket) {
  to.begin_structure();
  to.member("Name");
  to.text(bucket.name);
  to.member("CreationDate");
  to.time(bucket.created);
  to.member("BucketRegion");
  to.text(bucket.region);
  to.end_structure();
}

/// A bucket that takes locks is versioned from the start.
Status take_locks(Connection& db, std::int64_t bucket) {
  TRY(storage::set_versioning(db, bucket, storage::Versioning::kEnabled));
  return storage::put_setting(db, bucket, kObjectLock, R"({"ObjectLockEnabled":"Enabled"})");
}

}  // namespace

Reply<Output> S3Service::list_buckets(Context& context, Input in) {
  if (context.identity.anonymous()) return errors::access_denied();
  std::vector<storage::Bucket> all;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(all, storage::buckets_of(db, context.account().view()));
    return {};
  })));
  const auto prefix = in.text("Prefix");
  const auto region = in.text("BucketRegion");
  const auto after = in.has("ContinuationToken") ? from_token(in.text("ContinuationToken")) : std::string();
  if (!after) return errors::invalid_argument("The continuation token provided is incorrect");
  std::erase_if(all, [&](const storage::Bucket& bucket) {
    return !bucket.name.starts_with(prefix) || (!region.empty() && bucket.region != region) ||
           bucket.name <= *after;
  });
  const auto most =
      static_cast<std::size_t>(std::clamp<std::int64_t>(in.number("MaxBuckets", 10'000), 1, 10'000));
  const bool truncated = all.size() > most;
  if (truncated) all.resize(most);
  Output output;
  output.rows = [all = std::move(all), truncated, prefix,
                 owner = accounts_.user_of(context.account().view())](model::Writer& to) {
    write_user(to, "Owner", owner);
    to.member("Buckets");
    to.begin_list();
    for (const auto& bucket : all) write_bucket(to, bucket);
    to.end_list();
    if (!prefix.empty()) {
      to.member("Prefix");
      to.text(prefix);
    }
    if (!truncated) return;
    to.member("ContinuationToken");
    to.text(to_token(all.back().name));
  };
  return output;
}

Reply<Output> S3Service::create_bucket(Context& context, Input in) {
  const auto& name = in.text("Bucket");
  if (context.identity.anonymous()) return errors::access_denied();
  if (!valid_bucket_name(name)) return errors::invalid_bucket_name(name);
  if (seed(name) != nullptr) return errors::bucket_already_exists(name);
  TRY(const auto region, region_for(context, in, model()));
  Output output;
  output.fields["Location"] = "/" + name;
  const errors::Refusal refusal;
  const bool locks = in.flag("ObjectLockEnabledForBucket");
  TRY(const auto rules, rules_of_new_bucket(in.params, context.account().view(), accounts_));
  auto ticket = objects_.commit([=, now = context.now(), account = context.account().str()](
                                    Connection& db, storage::BodyId, Freed&) -> Status {
    TRY(const auto existing, storage::find_bucket(db, name));
    if (!existing) {
      storage::Bucket bucket{0, name, account, region, now};
      TRY(storage::insert_bucket(db, bucket));
      TRY(keep_rules(db, bucket.id, rules));
      return locks ? take_locks(db, bucket.id) : Status();
    }
    if (existing->account != account) return refusal.with(errors::bucket_already_exists(name));
    TRY(const auto kept, bucket_rules(db, *existing));
    if (kept.grants != rules.grants) return refusal.with(errors::bucket_already_exists(name));
    if (existing->region == kFirstRegion && region == kFirstRegion) return {};
    return refusal.with(errors::bucket_already_owned(name));
  });
  return answer_after(std::move(output), refusal, std::move(ticket));
}

Reply<Output> S3Service::head_bucket(Context& context, Input in) {
  TRY(const auto bucket, listable(context, in, action::kListBucket));
  if (bucket.upstream != nullptr) TRY(bucket.upstream->head_bucket(bucket.name));
  Output output;
  output.fields["BucketRegion"] = bucket.region;
  return output;
}

/// Unfinished uploads do not keep a bucket: they go with it.
Reply<Output> S3Service::delete_bucket(Context& context, Input in) {
  TRY(const auto permit, permitted(context, in.params, action::kDeleteBucket));
  const errors::Refusal refusal;
  auto ticket = objects_.commit([=, this](Connection& db, storage::BodyId, Freed& freed) -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    TRY(const bool full, storage::bucket_holds_objects(db, now.id));
    if (full) return refusal.with(errors::bucket_not_empty(now.name));
    TRY(storage::delete_uploads(db, now.id, freed));
    return storage::delete_bucket(db, now.id);
  });
  return answer_after(Output(), refusal, std::move(ticket));
}

Reply<Output> S3Service::get_bucket_location(Context& context, Input in) {
  TRY(const auto bucket, listable(context, in, action::kGetBucketLocation));
  const auto region = bucket.region;
  Output output;
  if (region != kFirstRegion) output.fields["LocationConstraint"] = region;
  return output;
}

}  // namespace sagelet::s3
