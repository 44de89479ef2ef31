#pragma once
// Inside this room: signatures as the client claims them, parsed but not believed.
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/sigv4.hpp"
#include "server/auth/auth.hpp"

namespace sagelet::auth {

template <class T>
using Parsed = tl::expected<T, Refusal>;

/// A version 4 signature.
struct V4Claim {
  std::string access_key;
  sigv4::Scope scope;
  std::string signed_headers;  ///< "host;x-amz-date", as sent
  std::string signature;
  std::string amz_date;  ///< 20130524T000000Z; empty: the client sent none that can be read
  std::string session_token;
  std::string payload_hash;  ///< the canonical request's last line; empty: hash of a body yet to come
  std::optional<long long> expires_in;  ///< seconds, of a presigned URL
  bool presigned = false;
  bool is_s3() const { return scope.service == "s3"; }
};

/// A version 2 signature (S3 only).
struct V2Claim {
  std::string access_key;
  std::string signature;  ///< base64
  std::string session_token;
  std::string expires;  ///< epoch seconds as sent; empty in a header
  bool presigned = false;
};

/// AWS4-HMAC-SHA256 Credential=AK/20130524/us-east-1/s3/aws4_request, SignedHeaders=..., Signature=...
Parsed<V4Claim> parse_v4_header(const http::Head& head, std::string_view authorization);
/// X-Amz-Credential=... and its companions.
Parsed<V4Claim> parse_v4_query(const http::Head& head);
/// AK/20130524/us-east-1/s3/aws4_request into the claim; the text of what is wrong with it, or nullopt.
std::optional<std::string> read_credential(std::string_view text, V4Claim& claim);

/// AWS AK:signature
Parsed<V2Claim> parse_v2_header(const http::Head& head, std::string_view authorization);
/// AWSAccessKeyId=..&Expires=..&Signature=..
Parsed<V2Claim> parse_v2_query(const http::Head& head);

/// Fills in who calls. `service` is the scope's, for the wording; empty for version 2.
std::optional<Refusal> find_caller(const Options& options, const SessionLookup& sessions,
                                   const std::string& key, const std::string& token, std::string_view service,
                                   WallTime now, Judged& judged);

/// Refuses a presigned URL whose time is over, in both modes.
std::optional<Refusal> check_lifetime(const V4Claim& claim, WallTime now);
std::optional<Refusal> check_lifetime(const V2Claim& claim, WallTime now);

/// Strict mode. Fills what later steps need: verified, or open_canonical and claimed_signature; the signing
/// key.
std::optional<Refusal> verify_v4(const http::Head& head, const V4Claim& claim, std::string_view secret,
                                 WallTime now, std::chrono::seconds skew, Judged& judged);
/// `own_host`: --host, to find the bucket in a virtual-host style name.
std::optional<Refusal> verify_v2(const http::Head& head, const V2Claim& claim, std::string_view secret,
                                 WallTime now, std::chrono::seconds skew, std::string_view own_host);

/// What x-amz-content-sha256 may say: how the body is framed, or its hash. nullopt: nothing that AWS knows.
struct Payload {
  PayloadForm form = PayloadForm::kPlain;
  std::string sha256;  ///< lower-case hex; empty for UNSIGNED-PAYLOAD and STREAMING-...
};
std::optional<Payload> read_payload(std::string_view header);

/// Bucket of bucket.s3.us-east-1.amazonaws.com, bucket.localhost:4577, bucket.<own host>; empty for path
/// style.
std::string bucket_in_host(std::string_view host, std::string_view own_host);

}  // namespace sagelet::auth
