#pragma once
// Signature version 4, the canonical form: server/auth verifies with it, client/ signs with it.
// Source: AWS's published description of the signing process; pinned by its published examples in
// sigv4_test.cpp.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sagelet::sigv4 {

struct Scope {
  std::string date;  ///< yyyymmdd
  std::string region;
  std::string service;
  std::string str() const;  ///< yyyymmdd/region/service/aws4_request
};

using HeaderView = std::pair<std::string_view, std::string_view>;  ///< lower-case name, value as sent

/// What is hashed: method, path and query exactly as the client sent them on the wire (percent-encoded).
/// For S3 the path stays as it is but for its spelling: each byte is escaped as a strict encoder would have
/// done. `path_as_sent` leaves out even that. For other services dots and doubled slashes go and it is
/// encoded once more. `without_signature` leaves X-Amz-Signature out of the query (presigned URLs).
struct CanonicalRequest {
  std::string_view method;
  std::string_view path;
  std::string_view query;                  ///< without '?'
  std::vector<HeaderView> signed_headers;  ///< in the order of SignedHeaders (sorted by the signer)
  std::string_view payload_hash;
  bool is_s3 = false;
  bool without_signature = false;
  bool path_as_sent = false;
};
std::string canonical_text(const CanonicalRequest& request);
std::string string_to_sign(std::string_view amz_date, const Scope& scope, std::string_view canonical_text);
/// 32 raw bytes; cache it by (secret, scope).
std::string signing_key(std::string_view secret, const Scope& scope);
std::string signature(std::string_view signing_key, std::string_view string_to_sign);  ///< 64 hex digits

/// %XX for everything but A-Z a-z 0-9 - _ . ~ (and '/' when kept); upper-case hex.
std::string percent_encode(std::string_view bytes, bool keep_slash = false);
/// Plain percent decoding; '+' is kept. Malformed escapes stay as they are.
std::string percent_decode(std::string_view text);

inline constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

}  // namespace sagelet::sigv4
