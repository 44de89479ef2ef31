// Get and PutObjectLockConfiguration, -ObjectRetention, -ObjectLegalHold.
#include "server/services/s3/locks.hpp"
#include "server/services/s3/s3.hpp"
#include "server/storage/version_rows.hpp"

namespace sagelet::s3 {

Reply<Output> S3Service::get_object_lock_configuration(Context& context, Input in) {
  TRY(const auto stored, setting(context, in, action::kGetBucketObjectLockConfiguration, kObjectLock));
  if (!stored)
    return errors::no_such_setting("ObjectLockConfigurationNotFoundError",
                                   "Object Lock configuration does not exist for this bucket",
                                   in.text("Bucket"));
  Output output;
  output.fields["ObjectLockConfiguration"] = Document::parse(*stored);
  return output;
}

Reply<Output> S3Service::put_object_lock_configuration(Context& context, Input in) {
  TRY(const auto permit, permitted(context, in.params, action::kPutBucketObjectLockConfiguration));
  TRY(const auto configuration, lock_configuration_from(in.params));
  const errors::Refusal refusal;
  auto ticket = objects_.commit([this, permit, refusal, value = configuration.dump()](
                                    Connection& db, storage::BodyId, Freed&) -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    if (now.versioning != storage::Versioning::kEnabled)
      return refusal.with(errors::invalid_bucket_state(
          "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"));
    return storage::put_setting(db, now.id, kObjectLock, value);
  });
  return answer_after(Output(), refusal, std::move(ticket));
}

/// The object, in a bucket that takes locks: which it does for ever then.
Reply<OpenedObject> S3Service::lockable(const Context& context, const Input& in, const Action& action) {
  if (seed(in.text("Bucket")) != nullptr) return errors::access_denied();
  TRY(auto object, open(context, in, action, Want::kRecord));
  if (!object.permit.bucket.has(kObjectLock)) return errors::no_object_lock();
  return object;
}

Reply<Output> S3Service::get_object_retention(Context& context, Input in) {
  TRY(const auto object, lockable(context, in, action::kGetObjectRetention));
  const auto locks = Locks::of(object.row.extras);
  if (locks.mode.empty()) return errors::no_lock_on_object();
  Output output;
  output.fields["Retention"] = {{"Mode", locks.mode}, {"RetainUntilDate", to_epoch_seconds(locks.until)}};
  return output;
}

Reply<Output> S3Service::get_object_legal_hold(Context& context, Input in) {
  TRY(const auto object, lockable(context, in, action::kGetObjectLegalHold));
  const auto locks = Locks::of(object.row.extras);
  if (locks.hold.empty()) return errors::no_lock_on_object();
  Output output;
  output.fields["LegalHold"] = {{"Status", locks.hold}};
  return output;
}

/// `turn` changes the locks or refuses. Which version it is, is settled before: the newest may change.
Reply<Output> S3Service::change_locks(Context& context, const Input& in, const Action& action,
                                      std::function<Status(Locks&, const errors::Refusal&)> turn) {
  TRY(const auto object, lockable(context, in, action));
  const errors::Refusal refusal;
  auto ticket =
      objects_.commit([this, permit = object.permit, key = in.text("Key"), version = object.row.version,
                       refusal, turn = std::move(turn)](Connection& db, storage::BodyId, Freed&) -> Status {
        TRY(const auto row, storage::find_version(db, permit.bucket.id, key, stored_version(version)));
        TRY(const auto now, permitted(db, permit, refusal, row ? &*row : nullptr));
        if (!row) return refusal.with(errors::no_such_version(key, version));
        auto locks = Locks::of(row->extras);
        TRY(turn(locks, refusal));
        return storage::set_version_extras(db, now.id, key, row->version, locks.put_into(row->extras));
      });
  return answer_after(Output(), refusal, std::move(ticket));
}

Reply<Output> S3Service::put_object_retention(Context& context, Input in) {
  TRY(auto next, retention_from(in.params, context.now()));
  TRY(const auto bucket, known(in.params));
  TRY(const bool bypass, may_bypass(context, in, bucket));
  return change_locks(context, in, action::kPutObjectRetention,
                      [next = std::move(next), now = context.now(), bypass](
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
  return change_locks(context, in, action::kPutObjectLegalHold,
                      [status = std::move(status)](Locks& locks, const errors::Refusal&) -> Status {
                        locks.hold = status;
                        return {};
                      });
}

}  // namespace sagelet::s3
