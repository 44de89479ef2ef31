// Get and PutObjectLockConfiguration, -ObjectRetention, -ObjectLegalHold.
#include "server/services/s3/locks.hpp"
#include "server/services/s3/s3.hpp"
#include "server/storage/version_rows.hpp"

namespace sagelet::s3 {

namespace {

/// Inside the transaction: the lock setting must still be there.
Status require_lock(Connection& db, std::int64_t bucket, const errors::Refusal& refusal) {
  TRY(const auto setting, storage::find_setting(db, bucket, kObjectLock));
  if (!setting) return refusal.with(errors::no_object_lock());
  return {};
}

}  // namespace

Reply<Output> S3Service::get_object_lock_configuration(Context& context, Input in) {
  TRY(const auto stored, setting(context, in, kObjectLock));
  if (!stored)
    return errors::no_such_setting("ObjectLockConfigurationNotFoundError",
                                   "Object Lock configuration does not exist for this bucket",
                                   in.text("Bucket"));
  Output output;
  output.fields["ObjectLockConfiguration"] = Document::parse(*stored);
  return output;
}

Reply<Output> S3Service::put_object_lock_configuration(Context& context, Input in) {
  TRY(const auto bucket, owned(context, in));
  TRY(const auto configuration, lock_configuration_from(in.params));
  const errors::Refusal refusal;
  auto ticket =
      objects_.commit([this, name = bucket.name, account = context.account(), refusal,
                       value = configuration.dump()](Connection& db, storage::BodyId, Freed&) -> Status {
        TRY(const auto now, owned(db, account, name, refusal));
        if (now.versioning != storage::Versioning::kEnabled)
          return refusal.with(errors::invalid_bucket_state(
              "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"));
        return storage::put_setting(db, now.id, kObjectLock, value);
      });
  return answer_after(Output(), refusal, std::move(ticket));
}

Reply<Locks> S3Service::locks_of(const Context& context, const Input& in) {
  TRY(const auto lockable, setting(context, in, kObjectLock));
  if (!lockable) return errors::no_object_lock();
  TRY(const auto object, open(context, in, Want::kRecord));
  return Locks::of(object.row.extras);
}

Reply<Output> S3Service::get_object_retention(Context& context, Input in) {
  TRY(const auto locks, locks_of(context, in));
  if (locks.mode.empty()) return errors::no_lock_on_object();
  Output output;
  output.fields["Retention"] = {{"Mode", locks.mode}, {"RetainUntilDate", to_epoch_seconds(locks.until)}};
  return output;
}

Reply<Output> S3Service::get_object_legal_hold(Context& context, Input in) {
  TRY(const auto locks, locks_of(context, in));
  if (locks.hold.empty()) return errors::no_lock_on_object();
  Output output;
  output.fields["LegalHold"] = {{"Status", locks.hold}};
  return output;
}

/// `turn` changes the locks or refuses. Which version it is, is settled before: the newest may change.
Reply<Output> S3Service::change_locks(Context& context, const Input& in,
                                      std::function<Status(Locks&, const errors::Refusal&)> turn) {
  TRY(locks_of(context, in));
  TRY(const auto object, open(context, in, Want::kRecord));
  const errors::Refusal refusal;
  auto ticket = objects_.commit([this, name = in.text("Bucket"), account = context.account(),
                                 key = in.text("Key"), version = object.row.version, refusal,
                                 turn = std::move(turn)](Connection& db, storage::BodyId, Freed&) -> Status {
    TRY(const auto now, owned(db, account, name, refusal));
    TRY(require_lock(db, now.id, refusal));
    TRY(const auto row, storage::find_version(db, now.id, key, stored_version(version)));
    if (!row) return refusal.with(errors::no_such_version(key, version));
    auto locks = Locks::of(row->extras);
    TRY(turn(locks, refusal));
    return storage::set_version_extras(db, now.id, key, row->version, locks.put_into(row->extras));
  });
  return answer_after(Output(), refusal, std::move(ticket));
}

Reply<Output> S3Service::put_object_retention(Context& context, Input in) {
  TRY(auto next, retention_from(in.params, context.now()));
  return change_locks(
      context, in,
      [next = std::move(next), now = context.now(), bypass = in.flag("BypassGovernanceRetention")](
          Locks& locks, const errors::Refusal& refusal) -> Status {
        if (!locks.allow_retention(next, now, bypass)) return refusal.with(errors::locked());
        locks.mode = next.mode;
        locks.until = next.until;
        return {};
      });
}

Reply<Output> S3Service::put_object_legal_hold(Context& context, Input in) {
  const auto given = in.params.find("LegalHold");
  auto status = given == in.params.end() ? std::string() : given->value("Status", "");
  if (status != "ON" && status != "OFF") return errors::malformed_xml();
  return change_locks(context, in,
                      [status = std::move(status)](Locks& locks, const errors::Refusal&) -> Status {
                        locks.hold = status;
                        return {};
                      });
}

}  // namespace sagelet::s3
