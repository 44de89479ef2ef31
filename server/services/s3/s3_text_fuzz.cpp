// The texts that S3 clients send in headers and queries: ranges, copy sources, tags, tokens, keys, bucket
// names.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "server/services/s3/names.hpp"
#include "server/services/s3/ranges.hpp"
#include "server/services/s3/tags.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet::s3;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::uint64_t length : {0ull, 1ull, 1000ull}) {
    const auto range = range_of(text, length);
    if (range && *range && ((*range)->length == 0 || (*range)->offset + (*range)->length > length))
      std::abort();
    const auto copied = copy_range_of(text, length);
    if (copied && *copied && (*copied)->offset + (*copied)->length > length) std::abort();
  }
  (void)parse_copy_source(text);
  (void)tags_from_header(text);
  (void)valid_bucket_name(text);
  (void)check_key(text);
  (void)from_token(text);
  if (from_token(to_token(text)) != text) std::abort();
  if (url_decoded(url_encoded(text), true) != text) std::abort();
  return 0;
}
