// Cut in two anywhere, a framed body gives the same bytes and the same verdict as in one piece.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "server/auth/testing.hpp"

using namespace sagelet;
using namespace sagelet::auth;

namespace {

struct Outcome {
  std::string bytes;
  bool good = false;
  bool operator==(const Outcome&) const = default;
};

Outcome decode(const Judged& judged, bool verify, std::string_view first, std::string_view second) {
  Outcome out;
  AwsChunked chunked(judged, std::nullopt, verify);
  const auto keep = [&](std::string_view bytes) -> Status {
    out.bytes.append(bytes);
    return {};
  };
  out.good = chunked.feed(first, keep) && chunked.feed(second, keep) && chunked.finish();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr PayloadForm kForms[] = {PayloadForm::kChunkedSigned, PayloadForm::kChunkedSignedTrailer,
                                    PayloadForm::kChunkedUnsignedTrailer};
  Judged judged;
  judged.anonymous = false;
  judged.payload = kForms[data[0] % 3];
  const bool verify = data[0] & 128;
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t cut = data[1] % (body.size() + 1);
  const Outcome whole = decode(judged, verify, body, {});
  const Outcome halves = decode(judged, verify, body.substr(0, cut), body.substr(cut));
  if (whole.good != halves.good || (whole.good && !(whole == halves))) std::abort();
  return 0;
}
