// Get and PutBucketNotificationConfiguration.
#include "nlohmann/json.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

Reply<Output> S3Service::get_bucket_notification(Context& context, Input in) {
  TRY(const auto stored, setting(context, in, action::kGetBucketNotification, notifications::kSetting));
  Output output;
  if (stored) output.fields = Document::parse(*stored);
  return output;
}

Reply<Output> S3Service::put_bucket_notification(Context& context, Input in) {
  TRY(const auto configuration, notifications::configuration_from(in.params, ids_));
  if (configuration.empty())
    return delete_setting(context, in, action::kPutBucketNotification, notifications::kSetting);
  TRY(permitted(context, in.params, action::kPutBucketNotification));
  outbox_.add_bucket(in.text("Bucket"));
  return put_setting(context, in, action::kPutBucketNotification, notifications::kSetting,
                     configuration.dump());
}

notifications::Noting S3Service::noting(const Context& context, std::string_view bucket) {
  if (!outbox_.concerns(bucket)) return {};
  return {outbox_, notifications::actor_of(context)};
}

}  // namespace sagelet::s3
