#pragma once
// The policy of a browser's form: what its signer lets others upload.
#include <cstdint>
#include <limits>
#include <string_view>

#include "base/clock.hpp"
#include "server/http/headers.hpp"
#include "server/model/call.hpp"

namespace sagelet::s3 {

struct SizeRange {
  std::uint64_t least = 0, most = std::numeric_limits<std::uint64_t>::max();
};

/// Judges `fields`, one of each name, "bucket" and the expanded "key" among them, by a policy (base64 of
/// JSON). Gives what it allows as the file's size.
///
/// InvalidPolicyDocument (400) for a policy that cannot be read; AccessDenied when it is over, a condition
/// does not hold, or a field has none. Fields of the signature, checksums of the file and x-ignore-* need
/// none.
Reply<SizeRange> check_post_policy(std::string_view policy, const http::Headers& fields, WallTime now);

}  // namespace sagelet::s3
