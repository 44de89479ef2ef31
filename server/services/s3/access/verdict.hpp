#pragma once
// What a bucket's policy says to a call.
#include <cstdint>

namespace sagelet::s3 {

enum class Verdict : std::uint8_t { kSilent, kAllow, kDeny };

}  // namespace sagelet::s3
