#include <charconv>

#include "base/time_text.hpp"
#include "server/auth/refusals.hpp"
#include "server/auth/signature.hpp"
#include "server/http/uri.hpp"

namespace sagelet::auth {

namespace {

constexpr long long kWeek = 604800;

struct Query {
  std::string algorithm, credential, date, expires, signed_headers, signature, token, content_sha256;
};

Query read_query(std::string_view text) {
  Query query;
  for (const http::QueryItem& item : http::QueryItems(text)) {
    if (!item.name.starts_with("X-Amz-")) continue;
    const std::string_view name = item.name.substr(6);
    std::string* const field = name == "Algorithm"        ? &query.algorithm
                               : name == "Credential"     ? &query.credential
                               : name == "Date"           ? &query.date
                               : name == "Expires"        ? &query.expires
                               : name == "SignedHeaders"  ? &query.signed_headers
                               : name == "Signature"      ? &query.signature
                               : name == "Security-Token" ? &query.token
                               : name == "Content-Sha256" ? &query.content_sha256
                                                          : nullptr;
    if (field) *field = http::decode(item.value);
  }
  return query;
}

bool names_header(std::string_view signed_headers, std::string_view name) {
  for (std::size_t at = 0; at <= signed_headers.size();) {
    const auto end = std::min(signed_headers.find(';', at), signed_headers.size());
    if (signed_headers.substr(at, end - at) == name) return true;
    at = end + 1;
  }
  return false;
}

/// What the client hashed: said in the query or in a signed header, otherwise nothing (S3) or the body.
std::string payload_hash_of(const http::Head& head, const Query& query, const V4Claim& claim) {
  if (!query.content_sha256.empty()) return query.content_sha256;
  const auto header = head.headers.find("x-amz-content-sha256");
  if (header && (!claim.is_s3() || names_header(claim.signed_headers, "x-amz-content-sha256")))
    return std::string(*header);
  return claim.is_s3() ? "UNSIGNED-PAYLOAD" : "";
}

std::optional<long long> number(std::string_view text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Parsed<V4Claim> parse_v4_query(const http::Head& head) {
  const Query query = read_query(head.query());
  V4Claim claim;
  claim.presigned = true;
  if (query.algorithm != "AWS4-HMAC-SHA256")
    return tl::unexpected(refusals::query_malformed(
        "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\""));
  if (auto wrong = read_credential(query.credential, claim))
    return tl::unexpected(
        refusals::query_malformed("Error parsing the X-Amz-Credential parameter; " + *wrong));
  if (query.signature.empty() || query.signed_headers.empty() || query.date.empty() ||
      (query.expires.empty() && claim.is_s3()))
    return tl::unexpected(
        refusals::query_malformed("Query-string authentication version 4 requires the X-Amz-Algorithm, "
                                  "X-Amz-Credential, X-Amz-Signature, "
                                  "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."));
  if (!parse_amz_date(query.date))
    return tl::unexpected(
        refusals::query_malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""));
  if (!query.expires.empty() && !(claim.expires_in = number(query.expires)))
    return tl::unexpected(refusals::query_malformed("X-Amz-Expires should be a number"));
  claim.amz_date = query.date;
  claim.signed_headers = query.signed_headers;
  claim.signature = query.signature;
  claim.session_token = query.token;
  claim.payload_hash = payload_hash_of(head, query, claim);
  return claim;
}

std::optional<Refusal> check_lifetime(const V4Claim& claim, WallTime now) {
  if (!claim.presigned || !claim.expires_in) return std::nullopt;
  if (*claim.expires_in > kWeek)
    return refusals::query_malformed("X-Amz-Expires must be less than a week (in seconds) that is 604800",
                                     403);
  const auto signed_at = parse_amz_date(claim.amz_date);
  if (!signed_at || *claim.expires_in <= 0 || now >= *signed_at + std::chrono::seconds(*claim.expires_in))
    return refusals::expired();
  return std::nullopt;
}

}  // namespace sagelet::auth
