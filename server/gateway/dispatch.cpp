#include "server/gateway/dispatch.hpp"

#include <charconv>

#include "base/log.hpp"
#include "base/role_id.hpp"
#include "fmt/format.h"

namespace sagelet::gateway {

namespace {

constexpr std::string_view kRole = "AmazonSageMaker-ExecutionRole-Sagelet";
constexpr std::string_view kSession = "SageMaker";

std::string role_name(std::string_view role_arn) {
  const auto slash = role_arn.rfind('/');
  return std::string(slash == std::string_view::npos ? kRole : role_arn.substr(slash + 1));
}

/// What a caller is called. The id of its role is a digest: each thread keeps the names of its last caller.
struct CallerNames {
  std::string account, role_arn, session_name;
  std::string arn, user_id;

  bool are_of(const auth::Caller& caller) const {
    return caller.account == account && caller.role_arn == role_arn && caller.session_name == session_name;
  }
  static CallerNames of(const auth::Caller& caller) {
    CallerNames names{caller.account, caller.role_arn, caller.session_name, {}, {}};
    const std::string role = role_name(caller.role_arn);
    const std::string_view session = caller.session_name.empty() ? kSession : caller.session_name;
    names.arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", caller.account, role, session);
    names.user_id = fmt::format("{}:{}", role_id(caller.account, role), session);
    return names;
  }
};

}  // namespace

Identity identity_of(const auth::Judged& judged) {
  const auto& caller = judged.caller;
  thread_local CallerNames names = CallerNames::of(caller);
  if (!names.are_of(caller)) names = CallerNames::of(caller);
  Identity out;
  out.account = AccountId(caller.account);
  out.arn = names.arn;
  out.user_id = names.user_id;
  if (!judged.anonymous) out.access_key = caller.access_key;
  out.job_id = caller.job_id;
  return out;
}

std::optional<std::uint64_t> decoded_length(const http::Head& head) {
  const auto text = head.headers.find("x-amz-decoded-content-length");
  if (!text) return head.content_length;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

bool has_streaming_input(const model::Operation& operation) {
  if (!operation.input || !operation.input->payload) return false;
  const auto& payload = *operation.input->payload;
  return payload.streaming || payload.shape->streaming;
}

bool checks_by_model(const model::ServiceModel& service) {
  return service.name != "s3";
}

std::string validation_code(const model::ServiceModel& service) {
  if (service.name == "logs" || service.name == "ecr") return "InvalidParameterException";
  if (service.protocol == model::ProtocolKind::kQuery) return "ValidationError";
  return "ValidationException";
}

api::Error error_of_refusal(const auth::Refusal& refusal, const model::ServiceModel& service) {
  const bool s3 = service.name == "s3";
  return api::Error::make(s3 ? refusal.code : refusal.json_code, refusal.message, refusal.status);
}

api::Error error_of_body(const Error& error, const model::ServiceModel& service) {
  const bool s3 = service.name == "s3";
  switch (error.kind()) {
    case ErrorKind::kInvalid:
      return s3 ? api::Error::make("IncompleteBody", error.message(), 400)
                : api::Error::make("SerializationException", error.message(), 400);
    case ErrorKind::kPermission:
      return api::Error::make(s3 ? "SignatureDoesNotMatch" : "InvalidSignatureException", error.message(),
                              403);
    case ErrorKind::kNoSpace:
      if (s3) return api::Error::make("InternalError", error.message(), 507);
      return api::Error::make("RequestEntityTooLargeException", error.message(), 413);
    default:
      log::error("request body: {}", error.message());
      return api::Error::internal();
  }
}

api::Error error_of_form(const Error& error) {
  if (error.is(ErrorKind::kNoSpace))
    return api::Error::make("MaxPostPreDataLengthExceeded",
                            "Your POST request fields preceding the upload file were too large.", 400);
  if (error.is(ErrorKind::kInvalid))
    return api::Error::make("MalformedPOSTRequest",
                            "The body of your POST request is not well-formed multipart/form-data.", 400);
  log::error("form: {}", error.message());
  return api::Error::internal();
}

api::Error not_implemented(const model::ServiceModel& service, const model::Operation& operation) {
  return api::Error::make(
      "NotImplemented",
      fmt::format("Sagelet does not emulate {} of {} yet. docs/guide/fidelity.md lists what it does.",
                  operation.name, service.name),
      501);
}

api::Error logged_internal(const Error& error, const Context& context) {
  log::error("{}: {}", context.request_id, error.message());
  return api::Error::internal();
}

}  // namespace sagelet::gateway
