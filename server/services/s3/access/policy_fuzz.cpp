// A policy as a client puts it, and keys and callers that it judges.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "server/services/s3/access/policy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet::s3;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto policy = Policy::parse(text, "bucket");
  if (!policy) {
    if (policy.error().code != "MalformedPolicy") std::abort();
    return 0;
  }
  PolicyRequest request{"s3:GetObject", "arn:aws:s3:::bucket/dir/key", true, "", "", {}};
  request.value = [&](std::string_view key) -> std::vector<std::string> {
    if (key.size() % 3 == 0) return {};
    if (key == "aws:sourceip") return {"10.0.0.1"};
    if (key == "s3:max-keys") return {"7"};
    if (key.size() % 3 == 1) return {"arn:aws:iam::111111111111:role/Reader"};
    return {"a", "b"};
  };
  (void)policy->judge(request);
  request = {"s3:ListBucket",
             "arn:aws:s3:::bucket",
             false,
             "111111111111",
             "arn:aws:sts::111111111111:assumed-role/Reader/session",
             request.value};
  (void)policy->judge(request);
  (void)policy->is_public();
  return 0;
}
