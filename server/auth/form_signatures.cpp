// Signatures of browsers' forms (S3's POST object). Both versions sign the form's policy, as its base64 text.
#include <algorithm>

#include "base/digest.hpp"
#include "base/time_text.hpp"
#include "server/auth/refusals.hpp"
#include "server/auth/signature.hpp"

namespace sagelet::auth {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

bool has_any(const http::Headers& fields, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](auto name) { return fields.has(name); });
}

std::optional<Refusal> lacks_any(const http::Headers& fields, std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    if (fields.get(name).empty()) return refusals::form_field_missing(name);
  return std::nullopt;
}

Parsed<V4Claim> parse_v4_form(const http::Headers& fields) {
  if (auto refusal = lacks_any(
          fields, {"policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"}))
    return tl::unexpected(std::move(*refusal));
  if (fields.get("x-amz-algorithm") != kAlgorithm)
    return tl::unexpected(
        refusals::form_field_malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\""));
  V4Claim claim;
  if (const auto wrong = read_credential(fields.get("x-amz-credential"), claim))
    return tl::unexpected(
        refusals::form_field_malformed("Error parsing the X-Amz-Credential parameter; " + *wrong));
  claim.amz_date = fields.get("x-amz-date");
  if (!parse_amz_date(claim.amz_date) || !claim.amz_date.starts_with(claim.scope.date))
    return tl::unexpected(refusals::form_field_malformed(
        "X-Amz-Date must be formated via ISO8601 Long format, at the date of X-Amz-Credential"));
  if (!claim.is_s3())
    return tl::unexpected(
        refusals::form_field_malformed("Error parsing the X-Amz-Credential parameter; incorrect service \"" +
                                       claim.scope.service + "\". This endpoint belongs to \"s3\"."));
  claim.signature = fields.get("x-amz-signature");
  claim.session_token = fields.get("x-amz-security-token");
  return claim;
}

Parsed<V2Claim> parse_v2_form(const http::Headers& fields) {
  if (auto refusal = lacks_any(fields, {"policy", "AWSAccessKeyId", "signature"}))
    return tl::unexpected(std::move(*refusal));
  V2Claim claim;
  claim.access_key = fields.get("AWSAccessKeyId");
  claim.signature = fields.get("signature");
  claim.session_token = fields.get("x-amz-security-token");
  return claim;
}

bool well_formed(const V4Claim& claim) {
  std::string raw;
  return from_hex(claim.signature, raw) && raw.size() == 32;
}

bool well_formed(const V2Claim& claim) {
  std::string raw;
  return from_base64(claim.signature, raw) && raw.size() == 20;
}

std::string right_signature(const V4Claim& claim, const std::string& secret, std::string_view policy) {
  return to_hex(hmac_sha256(sigv4::signing_key(secret, claim.scope), policy));
}

std::string right_signature(const V2Claim&, const std::string& secret, std::string_view policy) {
  return to_base64(hmac_sha1(secret, policy));
}

}  // namespace

tl::expected<Judged, Refusal> Authenticator::judge_form(const http::Headers& fields) const {
  Judged judged;
  const auto judge_claim = [&](const auto& claim, std::string_view service) -> Parsed<Judged> {
    if (!well_formed(claim)) return tl::unexpected(refusals::wrong_signature({}));
    if (auto refusal = find_caller(options_, sessions_, claim.access_key, claim.session_token, service,
                                   clock_.now(), judged))
      return tl::unexpected(std::move(*refusal));
    if (options_.mode == Mode::kLax) return judged;
    const auto right = right_signature(claim, judged.caller.secret_key, fields.get("policy"));
    if (!equal_constant_time(right, claim.signature)) return tl::unexpected(refusals::wrong_signature({}));
    judged.verified = true;
    return judged;
  };
  if (has_any(fields, {"x-amz-algorithm", "x-amz-credential", "x-amz-signature"})) {
    TRY(const V4Claim claim, parse_v4_form(fields));
    judged.service = claim.scope.service;
    judged.region = claim.scope.region;
    return judge_claim(claim, claim.scope.service);
  }
  if (has_any(fields, {"AWSAccessKeyId", "signature", "policy"})) {
    TRY(const V2Claim claim, parse_v2_form(fields));
    return judge_claim(claim, {});
  }
  judged.caller.account = options_.default_account;
  return judged;
}

}  // namespace sagelet::auth
