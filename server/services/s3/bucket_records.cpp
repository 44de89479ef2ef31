// What a bucket keeps for others to read and nothing here acts on: website, logging, who pays, acceleration.
#include <algorithm>

#include "nlohmann/json.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

namespace {

constexpr const char* kWebsite = "website";
constexpr const char* kLogging = "logging";
constexpr const char* kPayment = "request-payment";
constexpr const char* kAcceleration = "accelerate";

bool is_one_of(const Document& value, std::initializer_list<std::string_view> allowed) {
  return value.is_string() &&
         std::find(allowed.begin(), allowed.end(), value.get_ref<const std::string&>()) != allowed.end();
}

bool has_text(const Document& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() && !found->get_ref<const std::string&>().empty();
}

Reply<void> check_website(const Document& website) {
  const auto everything = website.find("RedirectAllRequestsTo");
  if (everything != website.end()) {
    if (!has_text(*everything, "HostName")) return errors::malformed_xml();
    if (website.size() > 1)
      return errors::invalid_request(
          "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.");
    return {};
  }
  const auto index = website.find("IndexDocument");
  if (index == website.end())
    return errors::invalid_argument(
        "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo "
        "is empty",
        "IndexDocument", "null");
  if (!has_text(*index, "Suffix") ||
      index->at("Suffix").get_ref<const std::string&>().find('/') != std::string::npos)
    return errors::invalid_argument("The IndexDocument Suffix is not well formed", "IndexDocument",
                                    index->value("Suffix", ""));
  return {};
}

}  // namespace

Reply<Output> S3Service::get_record(Context& context, const Input& in, const Action& action, const char* kind,
                                    const Document& otherwise) {
  TRY(const auto stored, setting(context, in, action, kind));
  Output output;
  output.fields = stored ? Document::parse(*stored) : otherwise;
  return output;
}

Reply<Output> S3Service::get_bucket_website(Context& context, Input in) {
  TRY(auto output, get_record(context, in, action::kGetBucketWebsite, kWebsite, Document()));
  if (output.fields.is_null())
    return errors::no_such_setting("NoSuchWebsiteConfiguration",
                                   "The specified bucket does not have a website configuration",
                                   in.text("Bucket"));
  return output;
}

Reply<Output> S3Service::put_bucket_website(Context& context, Input in) {
  if (!in.has("WebsiteConfiguration")) return errors::malformed_xml();
  const auto& website = in.params["WebsiteConfiguration"];
  TRY(check_website(website));
  return put_setting(context, in, action::kPutBucketWebsite, kWebsite, website.dump());
}

Reply<Output> S3Service::delete_bucket_website(Context& context, Input in) {
  return delete_setting(context, in, action::kDeleteBucketWebsite, kWebsite);
}

Reply<Output> S3Service::get_bucket_logging(Context& context, Input in) {
  return get_record(context, in, action::kGetBucketLogging, kLogging, Document::object());
}

Reply<Output> S3Service::put_bucket_logging(Context& context, Input in) {
  if (!in.has("BucketLoggingStatus")) return errors::malformed_xml();
  const auto& status = in.params["BucketLoggingStatus"];
  const auto enabled = status.find("LoggingEnabled");
  if (enabled == status.end()) return delete_setting(context, in, action::kPutBucketLogging, kLogging);
  if (!has_text(*enabled, "TargetBucket") || !enabled->contains("TargetPrefix"))
    return errors::malformed_xml();
  TRY(const auto permit, permitted(context, in.params, action::kPutBucketLogging));
  const auto target = known({{"Bucket", enabled->at("TargetBucket")}});
  if (!target || target->account != permit.bucket.account)
    return errors::invalid_logging_target(enabled->at("TargetBucket").get<std::string>());
  return put_setting(context, in, action::kPutBucketLogging, kLogging, status.dump());
}

Reply<Output> S3Service::get_bucket_request_payment(Context& context, Input in) {
  return get_record(context, in, action::kGetBucketRequestPayment, kPayment, {{"Payer", "BucketOwner"}});
}

Reply<Output> S3Service::put_bucket_request_payment(Context& context, Input in) {
  const auto payment = in.params.value("RequestPaymentConfiguration", Document::object());
  if (!is_one_of(payment.value("Payer", Document()), {"BucketOwner", "Requester"}))
    return errors::malformed_xml();
  return put_setting(context, in, action::kPutBucketRequestPayment, kPayment, payment.dump());
}

Reply<Output> S3Service::get_bucket_accelerate(Context& context, Input in) {
  return get_record(context, in, action::kGetAccelerateConfiguration, kAcceleration, Document::object());
}

Reply<Output> S3Service::put_bucket_accelerate(Context& context, Input in) {
  const auto acceleration = in.params.value("AccelerateConfiguration", Document::object());
  if (!is_one_of(acceleration.value("Status", Document()), {"Enabled", "Suspended"}))
    return errors::malformed_xml();
  if (in.text("Bucket").find('.') != std::string::npos)
    return errors::invalid_request(
        "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names");
  return put_setting(context, in, action::kPutAccelerateConfiguration, kAcceleration, acceleration.dump());
}

}  // namespace sagelet::s3
