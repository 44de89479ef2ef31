// Whatever a head says, judging it ends in a verdict. The first byte picks mode and place; the rest is the
// text there.
#include <cstddef>
#include <cstdint>

#include "server/auth/testing.hpp"

using namespace sagelet;
using namespace sagelet::auth;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Judge lax(Mode::kLax, "20130524T000000Z"), strict(Mode::kStrict, "20130524T000000Z");
  if (size == 0) return 0;
  const Judge& judge = data[0] & 1 ? strict : lax;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  http::Head head = head_of("PUT", "/b/k", {{"x-amz-date", "20130524T000000Z"}});
  switch ((data[0] >> 1) % 4) {
    case 0:
      head.headers.add("Host", "h"), head.headers.add("Authorization", text);
      break;
    case 1:
      head.headers.add("Host", "h"), head.target += "?" + text;
      break;
    case 2:
      head.headers.add("Host", text), head.headers.add("Origin", text);
      break;
    default:
      head.headers.add("Host", "h"), head.headers.add("x-amz-content-sha256", text);
      head.headers.add(
          "Authorization",
          "AWS4-HMAC-SHA256 Credential=AKMAIN/20130524/us-east-1/s3/aws4_request, SignedHeaders=" + text +
              ", Signature=00");
  }
  (void)judge.authenticator().host_allowed(head);
  (void)judge.authenticator().origin_foreign(head);
  if (const auto judged = judge(head)) (void)judge.authenticator().judge_body(*judged, text, false);
  return 0;
}
