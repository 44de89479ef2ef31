#pragma once
// Every refusal of this room, in AWS's words. `service` is the credential scope's: S3, the query protocol and
// the JSON protocols have different codes for the same thing. Empty means S3 (version 2 has no scope and only
// S3 takes it).
#include <string_view>

#include "server/auth/auth.hpp"

namespace sagelet::auth::refusals {

Refusal header_malformed(std::string_view service, std::string_view detail);
Refusal query_malformed(std::string_view detail, int status = 400);
Refusal unsupported_authorization();
Refusal two_mechanisms();
Refusal unknown_key(std::string_view service);
Refusal wrong_signature(std::string_view service);
Refusal skewed(std::string_view service);
Refusal date_missing(std::string_view service);
Refusal bad_token(std::string_view service);
Refusal expired_token(std::string_view service);
Refusal expired();
Refusal not_yet_valid();
Refusal bad_v2_expiry();
Refusal header_not_signed();
Refusal payload_hash_missing();
Refusal payload_hash_malformed();
/// A signed form lacks one of the fields of its signature.
Refusal form_field_missing(std::string_view name);
Refusal form_field_malformed(std::string_view detail);
Refusal payload_mismatch(std::string_view service);

}  // namespace sagelet::auth::refusals
