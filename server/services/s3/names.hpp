#pragma once
// What S3 allows as a name, and the spellings of names on the wire.
#include <optional>
#include <string>
#include <string_view>

#include "server/model/call.hpp"

namespace sagelet::s3 {

constexpr std::size_t kMostKeyBytes = 1024;

/// 3 to 63 of [a-z0-9.-], no IP address, no "..", ".-", "-.", begins and ends with a letter or digit, no
/// reserved prefix or suffix.
bool valid_bucket_name(std::string_view name);
/// KeyTooLongError; InvalidURI for bytes that are not UTF-8 and for keys whose ".." climb above the bucket.
Reply<void> check_key(std::string_view key);

/// A bucket and a key, with the version when one was named.
struct ObjectName {
  std::string bucket;
  std::string key;
  std::string version;
};
/// "[/]bucket/key+or%20encoded[?versionId=v]"; nullopt when it is not that.
std::optional<ObjectName> parse_copy_source(std::string_view source);

/// How clients name the version that has no name of its own; the ledger's name for it is "".
constexpr std::string_view kNullVersion = "null";

/// Of what has no versions: the only one there is.
inline bool is_null_or_newest(std::string_view version) {
  return version.empty() || version == kNullVersion;
}
std::string_view stored_version(std::string_view asked);
std::string_view shown_version(std::string_view stored);

/// %XX decoded; '+' stays unless `plus_is_space`. nullopt for a broken escape.
std::optional<std::string> url_decoded(std::string_view text, bool plus_is_space);
/// As encoding-type=url wants it: letters, digits, "-._~*/" stay.
std::string url_encoded(std::string_view text);

/// The 64 hex digits that stand for an account in lists and ACLs.
std::string canonical_user(std::string_view account);
std::string quoted_etag(std::string_view etag);
/// Without quotes and a weak mark.
std::string_view unquoted(std::string_view etag);

/// Opaque continuation tokens: any bytes as URL-safe text.
std::string to_token(std::string_view position);
std::optional<std::string> from_token(std::string_view token);

}  // namespace sagelet::s3
