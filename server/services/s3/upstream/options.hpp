#pragma once
// Which store stands behind us, as configured.
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace sagelet::s3::upstream {

struct Options {
  std::string url;  ///< http(s)://host[:port]; empty: there is none
  std::string region = "us-east-1";
  std::string access_key, secret_key, session_token;  ///< no access key: requests are not signed
  std::vector<std::string> buckets;                   ///< names, or "*" for every one that is not ours
  bool write_through = false;
  std::uint64_t cache_limit = 100ull << 30;   ///< bytes
  std::chrono::seconds revalidate_after{60};  ///< a cached object is served unasked for so long
};

}  // namespace sagelet::s3::upstream
