// Signature version 2, in the query and in the Authorization header. Only S3 still takes it; boto3 presigns
// with it in the old regions.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "base/time_text.hpp"
#include "server/auth/refusals.hpp"
#include "server/auth/signature.hpp"
#include "server/http/uri.hpp"

namespace sagelet::auth {

namespace {

/// The query parameters that are part of the resource, sorted.
constexpr auto kSubResources = std::to_array<std::string_view>({
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
});
static_assert(std::is_sorted(kSubResources.begin(), kSubResources.end()));

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

bool is_amz(std::string_view lower_name) {
  return lower_name.starts_with("x-amz-");
}

/// A presigned URL carries headers of its signer in the query (boto3 does so with session tokens and content
/// types).
std::string header_or_query(const http::Head& head, const V2Claim& claim, std::string_view name) {
  if (const auto header = head.headers.find(name)) return std::string(trimmed(*header));
  return claim.presigned ? http::query_value(head.query(), name).value_or("") : "";
}

/// x-amz- headers, sorted, values of one name joined by commas.
void append_amz_headers(std::string& out, const http::Head& head, const V2Claim& claim) {
  std::map<std::string, std::string> found;
  const auto add = [&](std::string name, std::string_view value) {
    auto [at, is_new] = found.try_emplace(std::move(name), trimmed(value));
    if (!is_new) at->second.append(",").append(trimmed(value));
  };
  for (const http::Header& header : head.headers)
    if (std::string name = lower(header.name); is_amz(name)) add(std::move(name), header.value);
  if (claim.presigned)
    for (const http::QueryItem& item : http::QueryItems(head.query()))
      if (std::string name = lower(item.name); is_amz(name) && !head.headers.has(name))
        add(std::move(name), http::decode(item.value));
  for (const auto& [name, value] : found) out.append(name).append(":").append(value).append("\n");
}

void append_sub_resources(std::string& out, std::string_view query) {
  std::vector<std::pair<std::string_view, std::string>> found;
  for (const http::QueryItem& item : http::QueryItems(query))
    if (std::binary_search(kSubResources.begin(), kSubResources.end(), item.name))
      found.emplace_back(item.name, item.has_value ? "=" + http::decode(item.value) : "");
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  char separator = '?';
  for (const auto& [name, value] : found) {
    out.append(1, separator).append(name).append(value);
    separator = '&';
  }
}

/// boto3 signs the path of a bucket with a slash at its end, also where it sends none.
bool is_bucket_path(std::string_view path) {
  return path.size() > 1 && path.find('/', 1) == std::string_view::npos;
}

std::string text_to_sign(const http::Head& head, const V2Claim& claim, std::string_view bucket,
                         std::string_view behind_path = {}) {
  std::string out = head.method;
  out.append("\n").append(header_or_query(head, claim, "content-md5"));
  out.append("\n").append(header_or_query(head, claim, "content-type")).append("\n");
  if (claim.presigned)
    out.append(claim.expires);
  else if (!head.headers.has("x-amz-date"))
    out.append(trimmed(head.headers.get("date")));
  out.append("\n");
  append_amz_headers(out, head, claim);
  if (!bucket.empty()) out.append("/").append(bucket);
  out.append(head.path()).append(behind_path);
  append_sub_resources(out, head.query());
  return out;
}

std::optional<long long> epoch_seconds(std::string_view text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Refusal> check_skew(const http::Head& head, WallTime now, std::chrono::seconds skew) {
  const auto amz = head.headers.find("x-amz-date");
  const std::string_view text = amz ? *amz : head.headers.get("date");
  auto signed_at = parse_http_date(text);
  if (!signed_at) signed_at = parse_amz_date(text);
  if (!signed_at || *signed_at < WallTime()) return refusals::date_missing({});  // nor before 1970
  if (*signed_at > now + skew || *signed_at < now - skew) return refusals::skewed({});
  return std::nullopt;
}

}  // namespace

Parsed<V2Claim> parse_v2_header(const http::Head& head, std::string_view authorization) {
  const std::string_view text = trimmed(authorization.substr(4));  // behind "AWS "
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())
    return tl::unexpected(refusals::header_malformed({}, "expecting \"AWS <YOUR-AKID>:<SIGNATURE>\"."));
  V2Claim claim;
  claim.access_key = text.substr(0, colon);
  claim.signature = text.substr(colon + 1);
  claim.session_token = head.headers.get("x-amz-security-token");
  return claim;
}

Parsed<V2Claim> parse_v2_query(const http::Head& head) {
  V2Claim claim;
  claim.presigned = true;
  claim.access_key = http::query_value(head.query(), "AWSAccessKeyId").value_or("");
  claim.signature = http::query_value(head.query(), "Signature").value_or("");
  claim.expires = http::query_value(head.query(), "Expires").value_or("");
  claim.session_token = header_or_query(head, claim, "x-amz-security-token");
  if (claim.access_key.empty() || claim.signature.empty() || claim.expires.empty()) {
    Refusal refusal = refusals::query_malformed(
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters", 403);
    refusal.code = "AccessDenied";
    return tl::unexpected(std::move(refusal));
  }
  return claim;
}

std::optional<Refusal> check_lifetime(const V2Claim& claim, WallTime now) {
  if (!claim.presigned) return std::nullopt;
  const auto expires = epoch_seconds(claim.expires);
  if (!expires) return refusals::bad_v2_expiry();
  if (to_millis(now) / 1000 >= *expires) return refusals::expired();
  return std::nullopt;
}

std::optional<Refusal> verify_v2(const http::Head& head, const V2Claim& claim, std::string_view secret,
                                 WallTime now, std::chrono::seconds skew, std::string_view own_host) {
  if (!claim.presigned)
    if (auto refusal = check_skew(head, now, skew)) return refusal;
  const auto matches = [&](std::string_view bucket, std::string_view behind_path = {}) {
    const std::string right = to_base64(hmac_sha1(secret, text_to_sign(head, claim, bucket, behind_path)));
    return equal_constant_time(right, claim.signature);
  };
  if (matches({}) || (is_bucket_path(head.path()) && matches({}, "/"))) return std::nullopt;
  const std::string bucket = bucket_in_host(head.headers.get("host"), own_host);
  if (!bucket.empty() && matches(bucket)) return std::nullopt;
  return refusals::wrong_signature({});
}

}  // namespace sagelet::auth
