// Get, Put, DeleteBucketLifecycleConfiguration, and what rules show in other answers.
#include "nlohmann/json.hpp"
#include "server/services/s3/lifecycle/check.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

namespace {

/// Headers tell of days as AWS has them, also where rules act faster.
constexpr lifecycle::Calendar kReal;

void show_rules(Output& output, Document configuration) {
  output.fields[lifecycle::kLeastMovedMember] = configuration.at(lifecycle::kLeastMovedMember);
  output.fields["Rules"] = std::move(configuration.at("Rules"));
}

}  // namespace

Reply<Output> S3Service::get_bucket_lifecycle(Context& context, Input in) {
  TRY(const auto stored, setting(context, in, action::kGetLifecycleConfiguration, lifecycle::kSetting));
  if (!stored)
    return errors::no_such_setting("NoSuchLifecycleConfiguration",
                                   "The lifecycle configuration does not exist", in.text("Bucket"));
  Output output;
  show_rules(output, Document::parse(*stored));
  return output;
}

/// Waits, so that the rules are there when they are watched.
Reply<Output> S3Service::put_bucket_lifecycle(Context& context, Input in) {
  TRY(permitted(context, in.params, action::kPutLifecycleConfiguration));
  TRY(const auto configuration, lifecycle::configuration_from(in.params, ids_));
  with_rules_.add(in.text("Bucket"));
  TRY(auto output, put_setting(context, in, action::kPutLifecycleConfiguration, lifecycle::kSetting,
                               configuration.dump()));
  if (const auto put = output.after->wait(); !put) return output.failed(put.error());
  lifecycle_.watch(lifecycle_.calendar().first_run(context.now()));
  Output answer;
  answer.fields[lifecycle::kLeastMovedMember] = configuration.at(lifecycle::kLeastMovedMember);
  return answer;
}

Reply<Output> S3Service::delete_bucket_lifecycle(Context& context, Input in) {
  return delete_setting(context, in, action::kPutLifecycleConfiguration, lifecycle::kSetting);
}

Reply<std::optional<lifecycle::Rules>> S3Service::rules_of(std::string_view bucket) {
  std::optional<lifecycle::Rules> rules;
  if (!with_rules_.may_have(bucket)) return rules;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(const auto found, storage::find_bucket(db, bucket));
    if (!found) return {};
    TRY(const auto stored, storage::find_setting(db, found->id, lifecycle::kSetting));
    if (stored) rules = lifecycle::rules_from(*stored);
    return {};
  })));
  return rules;
}

Reply<void> S3Service::show_expiration(Document& fields, std::string_view bucket,
                                       const storage::ObjectRow& row) {
  TRY(const auto rules, rules_of(bucket));
  if (!rules) return {};
  const lifecycle::Subject object{row.key, row.size, row.modified, row.tags, row.storage_class};
  if (const auto due = lifecycle::expiration(*rules, object, kReal))
    fields["Expiration"] = lifecycle::expiration_header(*due);
  return {};
}

Reply<void> S3Service::show_abortion(Document& fields, std::string_view bucket,
                                     const storage::UploadRow& upload) {
  TRY(const auto rules, rules_of(bucket));
  if (!rules) return {};
  if (const auto due = lifecycle::abortion(*rules, upload.key, upload.started, kReal)) {
    fields["AbortDate"] = to_epoch_seconds(due->at);
    fields["AbortRuleId"] = due->rule;
  }
  return {};
}

}  // namespace sagelet::s3
