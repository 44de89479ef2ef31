// Whatever a policy says, judging by it ends in a verdict, and what it allows is a range.
#include <cstddef>
#include <cstdint>

#include "base/digest.hpp"
#include "server/services/s3/post_policy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sagelet::http::Headers fields;
  fields.add("bucket", "b");
  fields.add("key", "a/b");
  fields.add("x-amz-meta-a", "$1");
  fields.add("Content-Type", "image/png, image/gif");
  (void)sagelet::s3::check_post_policy(sagelet::to_base64(text), fields, sagelet::from_millis(0));
  (void)sagelet::s3::check_post_policy(text, fields, sagelet::from_millis(0));
  return 0;
}
