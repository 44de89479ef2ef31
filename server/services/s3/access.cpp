// Who may see and change which bucket. Buckets belong to accounts; seeded ones are everybody's to read.
#include "server/services/s3/encryption.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

namespace {

bool is_null_or_newest(std::string_view version) {
  return version.empty() || version == kNullVersion;
}

}  // namespace

SeedFolder* S3Service::seed(std::string_view bucket) {
  const auto found = seeds_.find(bucket);
  return found == seeds_.end() ? nullptr : found->second.get();
}

Reply<void> S3Service::check_owner(const Context& context, const storage::Bucket& bucket,
                                   const Document& params, std::string_view expected) const {
  if (context.identity.anonymous() || bucket.account != context.account().str())
    return errors::access_denied();
  const auto member = params.find(expected);
  if (member != params.end() && member->is_string() && *member != bucket.account)
    return errors::access_denied();
  return {};
}

Reply<Readable> S3Service::readable(const Context& context, const Input& in) {
  const auto& name = in.text("Bucket");
  if (auto* folder = seed(name)) return Readable{std::nullopt, folder, region_};
  TRY(auto bucket, owned(context, in));
  auto region = bucket.region;
  return Readable{std::move(bucket), nullptr, std::move(region)};
}

Reply<storage::Bucket> S3Service::owned(const Context& context, const Input& in) {
  return owned(context, in.params);
}

Reply<storage::Bucket> S3Service::owned(const Context& context, const Document& params) {
  const auto& name = params.at("Bucket").get_ref<const std::string&>();
  if (seed(name) != nullptr) return errors::access_denied();
  std::optional<storage::Bucket> bucket;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(bucket, storage::find_bucket(db, name));
    return {};
  })));
  if (!bucket) return errors::no_such_bucket(name);
  TRY(check_owner(context, *bucket, params));
  return std::move(*bucket);
}

Reply<Writable> S3Service::writable(const Context& context, const Document& params) {
  const auto& name = params.at("Bucket").get_ref<const std::string&>();
  if (seed(name) != nullptr) return errors::access_denied();
  std::optional<storage::Bucket> bucket;
  Writable target;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(bucket, storage::find_bucket(db, name));
    if (!bucket) return {};
    TRY(target.encryption, storage::find_setting(db, bucket->id, kEncryptionSetting));
    if (bucket->versioning != storage::Versioning::kEnabled) return {};  // locks need versions
    TRY(target.object_lock, storage::find_setting(db, bucket->id, kObjectLock));
    return {};
  })));
  if (!bucket) return errors::no_such_bucket(name);
  TRY(check_owner(context, *bucket, params));
  target.bucket = std::move(*bucket);
  return target;
}

Result<storage::Bucket> S3Service::owned(Connection& db, const AccountId& account, std::string_view name,
                                         const errors::Refusal& refusal) {
  TRY(auto bucket, storage::find_bucket(db, name));
  if (!bucket) return refusal.with(errors::no_such_bucket(name));
  if (bucket->account != account.str()) return refusal.with(errors::access_denied());
  return std::move(*bucket);
}

Reply<storage::OpenObject> S3Service::open(const Context& context, const Input& in, Want want) {
  const ObjectName name{in.text("Bucket"), in.text("Key"), in.text("VersionId")};
  return open(context, name, want);
}

Reply<storage::OpenObject> S3Service::open(const Context& context, const ObjectName& name, Want want) {
  std::optional<storage::OpenObject> object;
  if (auto* folder = seed(name.bucket)) {
    TRY(object, errors::lift(folder->find(name.key, want)));
  } else {
    TRY(object, stored(context, name, want));
  }
  if (!object || (seed(name.bucket) != nullptr && !is_null_or_newest(name.version)))
    return name.version.empty() ? errors::no_such_key(name.key)
                                : errors::no_such_version(name.key, name.version);
  return std::move(*object);
}

Reply<std::optional<storage::OpenObject>> S3Service::stored(const Context& context, const ObjectName& name,
                                                            Want want) {
  const bool newest = name.version.empty();
  TRY(auto found, errors::lift(newest ? objects_.find(name.bucket, name.key, want)
                                      : objects_.find_version(name.bucket, name.key,
                                                              stored_version(name.version), want)));
  if (!found.bucket) return errors::no_such_bucket(name.bucket);
  TRY(check_owner(context, *found.bucket, Document::object()));
  if (found.marker) return errors::delete_marker(name.key, found.marker_version, !newest);
  if (found.object && found.bucket->versioning != storage::Versioning::kNever)
    found.object->row.version = shown_version(found.object->row.version);
  return std::move(found.object);
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
