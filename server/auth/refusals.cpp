#include "server/auth/refusals.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace sagelet::auth::refusals {

namespace {

enum class Dialect { kS3, kQuery, kJson };

Dialect dialect_of(std::string_view service) {
  constexpr std::array<std::string_view, 4> kQueryServices = {"sts", "iam", "sns", "ec2"};
  if (service.empty() || service == "s3") return Dialect::kS3;
  const bool query = std::find(kQueryServices.begin(), kQueryServices.end(), service) != kQueryServices.end();
  return query ? Dialect::kQuery : Dialect::kJson;
}

/// One failure's code in S3 (with its status), in the query protocol (403 but for malformed input), in JSON
/// (400).
struct Wording {
  std::string_view s3_code;
  int s3_status;
  std::string_view query_code;
  std::string_view json_code;
};

Refusal refuse(std::string_view service, const Wording& wording, std::string_view s3_text,
               std::string_view other_text) {
  Refusal out;
  const Dialect dialect = dialect_of(service);
  out.code = wording.s3_code;
  out.json_code = dialect == Dialect::kQuery ? wording.query_code : wording.json_code;
  out.message = dialect == Dialect::kS3 ? s3_text : other_text;
  out.status = dialect == Dialect::kS3 ? wording.s3_status : dialect == Dialect::kQuery ? 403 : 400;
  return out;
}

/// Said by S3 alone, and of requests whose service is not known.
Refusal s3_refusal(std::string_view code, int status, std::string_view json_code, std::string_view text) {
  return {.code = std::string(code),
          .json_code = std::string(json_code),
          .message = std::string(text),
          .status = status};
}

constexpr std::string_view kTokenInvalid = "The security token included in the request is invalid.";

}  // namespace

Refusal header_malformed(std::string_view service, std::string_view detail) {
  const std::string text = "The authorization header is malformed; " + std::string(detail);
  Refusal out = refuse(
      service, {"AuthorizationHeaderMalformed", 400, "IncompleteSignature", "IncompleteSignatureException"},
      text, text);
  out.status = 400;
  return out;
}

Refusal query_malformed(std::string_view detail, int status) {
  return s3_refusal("AuthorizationQueryParametersError", status, "IncompleteSignature", detail);
}

Refusal unsupported_authorization() {
  return s3_refusal("InvalidArgument", 400, "IncompleteSignatureException", "Unsupported Authorization Type");
}

Refusal two_mechanisms() {
  return s3_refusal(
      "InvalidArgument", 400, "IncompleteSignatureException",
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
      "parameter or the Authorization header should be specified");
}

Refusal unknown_key(std::string_view service) {
  return refuse(service, {"InvalidAccessKeyId", 403, "InvalidClientTokenId", "UnrecognizedClientException"},
                "The AWS Access Key Id you provided does not exist in our records.", kTokenInvalid);
}

Refusal wrong_signature(std::string_view service) {
  return refuse(
      service, {"SignatureDoesNotMatch", 403, "SignatureDoesNotMatch", "InvalidSignatureException"},
      "The request signature we calculated does not match the signature you provided. Check your key and "
      "signing method.",
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
      "Access Key and signing method. Consult the service documentation for details.");
}

Refusal skewed(std::string_view service) {
  return refuse(
      service, {"RequestTimeTooSkewed", 403, "SignatureDoesNotMatch", "InvalidSignatureException"},
      "The difference between the request time and the current time is too large.",
      "Signature expired: the difference between the request time and the current time is too large.");
}

Refusal date_missing(std::string_view service) {
  constexpr std::string_view kText = "AWS authentication requires a valid Date or x-amz-date header";
  return refuse(service, {"AccessDenied", 403, "IncompleteSignature", "IncompleteSignatureException"}, kText,
                kText);
}

Refusal bad_token(std::string_view service) {
  return refuse(service, {"InvalidToken", 400, "InvalidClientTokenId", "UnrecognizedClientException"},
                "The provided token is malformed or otherwise invalid.", kTokenInvalid);
}

Refusal expired_token(std::string_view service) {
  return refuse(service, {"ExpiredToken", 400, "ExpiredToken", "ExpiredTokenException"},
                "The provided token has expired.", "The security token included in the request is expired");
}

Refusal expired() {
  return s3_refusal("AccessDenied", 403, "AccessDeniedException", "Request has expired");
}

Refusal not_yet_valid() {
  return s3_refusal("AccessDenied", 403, "AccessDeniedException", "Request is not valid yet");
}

Refusal bad_v2_expiry() {
  return s3_refusal("AccessDenied", 403, "AccessDeniedException",
                    "Invalid date (should be seconds since epoch) in the Expires query parameter");
}

Refusal header_not_signed() {
  return s3_refusal("AccessDenied", 403, "InvalidSignatureException",
                    "There were headers present in the request which were not signed");
}

Refusal payload_hash_missing() {
  return s3_refusal("InvalidRequest", 400, "InvalidSignatureException",
                    "Missing required header for this request: x-amz-content-sha256");
}

Refusal payload_hash_malformed() {
  return s3_refusal(
      "InvalidArgument", 400, "InvalidSignatureException",
      "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
      "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 "
      "value.");
}

Refusal form_field_missing(std::string_view name) {
  return s3_refusal("InvalidArgument", 400, "IncompleteSignatureException",
                    "Bucket POST must contain a field named '" + std::string(name) +
                        "'.  If it is specified, please check the order of the fields.");
}

Refusal form_field_malformed(std::string_view detail) {
  return s3_refusal("InvalidArgument", 400, "IncompleteSignatureException", detail);
}

Refusal payload_mismatch(std::string_view service) {
  return refuse(
      service, {"XAmzContentSHA256Mismatch", 400, "SignatureDoesNotMatch", "InvalidSignatureException"},
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
      "The request signature we calculated does not match the signature you provided: the body is not the "
      "one that was signed.");
}

}  // namespace sagelet::auth::refusals
