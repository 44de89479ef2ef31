// CORS: a bucket's rules, and what the gateway answers browsers by them.
#include "nlohmann/json.hpp"
#include "server/services/s3/cors_rules.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

namespace {

constexpr const char* kCors = "cors";

}  // namespace

Reply<Output> S3Service::get_bucket_cors(Context& context, Input in) {
  TRY(const auto stored, setting(context, in, action::kGetBucketCors, kCors));
  if (!stored)
    return errors::no_such_setting("NoSuchCORSConfiguration", "The CORS configuration does not exist",
                                   in.text("Bucket"));
  Output output;
  output.fields = Document::parse(*stored);
  return output;
}

Reply<Output> S3Service::put_bucket_cors(Context& context, Input in) {
  if (!in.has("CORSConfiguration")) return errors::malformed_xml();
  const auto& configuration = in.params["CORSConfiguration"];
  TRY(check_cors(configuration));
  return put_setting(context, in, action::kPutBucketCors, kCors, configuration.dump());
}

Reply<Output> S3Service::delete_bucket_cors(Context& context, Input in) {
  return delete_setting(context, in, action::kPutBucketCors, kCors);
}

Result<std::optional<std::string>> S3Service::cors_of(std::string_view bucket) {
  std::optional<std::string> stored;
  TRY(ledger_.read([&](Connection& db) -> Status {
    TRY(const auto found, storage::find_bucket(db, bucket));
    if (!found) return Error(ErrorKind::kNotFound, "no bucket " + std::string(bucket));
    if (!found->has(kCors)) return {};
    TRY(stored, storage::find_setting(db, found->id, kCors));
    return {};
  }));
  return stored;
}

http::Headers S3Service::headers_for(const CorsQuestion& question) {
  const auto stored = cors_of(question.bucket);
  if (!stored || !*stored) return {};
  const auto rules = cors_rules(Document::parse(**stored));
  const auto* rule = find_rule(rules, question);
  return rule == nullptr ? http::Headers() : rule->answer(question);
}

Reply<http::Headers> S3Service::preflight(const CorsQuestion& question) {
  const auto stored = cors_of(question.bucket);
  if (!stored && !stored.error().is(ErrorKind::kNotFound)) return errors::from(stored.error());
  if (!stored) return errors::cors_forbidden("Bucket not found", question.method, question.of_object);
  if (!*stored)
    return errors::cors_forbidden("CORS is not enabled for this bucket.", question.method,
                                  question.of_object);
  const auto rules = cors_rules(Document::parse(**stored));
  if (const auto* rule = find_rule(rules, question)) return rule->answer(question);
  return errors::cors_forbidden(
      "This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
      "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's "
      "CORS spec.",
      question.method, question.of_object);
}

}  // namespace sagelet::s3
