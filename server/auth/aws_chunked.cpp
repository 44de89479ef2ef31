// The body as S3's SDKs stream it:
//
//   10000;chunk-signature=ad80...\r\n  <65536 bytes>\r\n      any number of chunks, sizes in hex
//   0;chunk-signature=b6c6...\r\n                             the last one is empty
//   x-amz-checksum-crc32c:sOO8/Q==\r\n                        trailers, in the TRAILER forms
//   x-amz-trailer-signature:d81f...\r\n                       when signed
//   \r\n
//
// A signature covers the chunk's bytes and the signature before it, so chunks cannot be changed, dropped or
// swapped.
#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "base/sigv4.hpp"
#include "fmt/format.h"
#include "server/auth/auth.hpp"

namespace sagelet::auth {

namespace {

constexpr std::size_t kLineLimit = 4096;   // a chunk's head or one trailer
constexpr std::size_t kTrailerLimit = 32;  // their number
constexpr std::string_view kSignatureName = ";chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";

Error malformed(std::string_view what) {
  return Error(ErrorKind::kInvalid, fmt::format("The aws-chunked body is malformed: {}.", what));
}

Error wrong_signature() {
  return Error(
      ErrorKind::kPermission,
      "The request signature we calculated does not match the signature you provided. Check your key and "
      "signing method.");
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

}  // namespace

struct AwsChunked::State {
  enum class At { kHead, kData, kDataEnd, kTrailer, kDone };

  // What the signatures hang on.
  PayloadForm form;
  bool verify;
  std::string key, date, scope, previous;

  // Where we are.
  At at = At::kHead;
  std::string line;              ///< what has come of a line
  std::uint64_t left = 0;        ///< of the chunk's bytes
  std::string claimed;           ///< the chunk's signature
  std::optional<Digest> digest;  ///< of the chunk's bytes, when they are verified
  std::uint64_t decoded = 0;
  std::optional<std::uint64_t> promised;
  std::vector<std::pair<std::string, std::string>> trailers;
  std::string trailer_signature;

  bool is_signed() const { return form != PayloadForm::kChunkedUnsignedTrailer; }
  bool verifies() const { return verify && is_signed(); }

  /// A line without its end, or nullopt when more must come. `bytes` loses what was taken.
  Result<std::optional<std::string>> take_line(std::string_view& bytes);
  Status take_head(std::string_view text);
  Status take_data(std::string_view& bytes, const std::function<Status(std::string_view)>& out);
  Status take_data_end(std::string_view& bytes);
  Status end_of_chunk();
  Status take_trailer(std::string_view text);
  Status end_of_trailers();
  Status step(std::string_view& bytes, const std::function<Status(std::string_view)>& out);
};

Result<std::optional<std::string>> AwsChunked::State::take_line(std::string_view& bytes) {
  const auto end = bytes.find('\n');
  const std::string_view part = bytes.substr(0, end);
  if (line.size() + part.size() > kLineLimit) return malformed("a line is too long");
  line.append(part);
  bytes.remove_prefix(std::min(part.size() + 1, bytes.size()));
  if (end == std::string_view::npos) return std::optional<std::string>();
  if (line.ends_with('\r')) line.pop_back();
  return std::optional(std::exchange(line, {}));
}

Status AwsChunked::State::take_head(std::string_view text) {
  const auto size_end = std::min(text.find(';'), text.size());
  const std::string_view size = text.substr(0, size_end), extension = text.substr(size_end);
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), left, 16);
  if (error != std::errc() || end != size.data() + size.size())
    return malformed("a chunk's size is not hexadecimal");
  if (promised && (left > *promised || decoded > *promised - left))
    return malformed("there is more than x-amz-decoded-content-length says");
  claimed.clear();
  if (is_signed() && extension.starts_with(kSignatureName)) claimed = extension.substr(kSignatureName.size());
  if (verifies() && claimed.empty()) return wrong_signature();
  if (verifies()) digest.emplace(DigestKind::kSha256);
  if (left > 0) {
    at = At::kData;
    return {};
  }
  at = At::kTrailer;
  return end_of_chunk();
}

Status AwsChunked::State::take_data(std::string_view& bytes,
                                    const std::function<Status(std::string_view)>& out) {
  const std::string_view part =
      bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size())));
  bytes.remove_prefix(part.size());
  if (digest) digest->update(part);
  left -= part.size();
  decoded += part.size();
  if (left == 0) at = At::kDataEnd;
  return out(part);
}

Status AwsChunked::State::take_data_end(std::string_view& bytes) {
  TRY(const std::optional<std::string> text, take_line(bytes));
  if (!text) return {};
  if (!text->empty()) return malformed("a chunk is longer than it says");
  at = At::kHead;
  return end_of_chunk();
}

Status AwsChunked::State::end_of_chunk() {
  if (!verifies()) return {};
  const std::string text = fmt::format("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}", date, scope, previous,
                                       sigv4::kEmptySha256, to_hex(digest->finish()));
  previous = sigv4::signature(key, text);
  digest.reset();
  if (!equal_constant_time(previous, claimed)) return wrong_signature();
  return {};
}

Status AwsChunked::State::take_trailer(std::string_view text) {
  if (text.empty()) return end_of_trailers();
  if (form == PayloadForm::kChunkedSigned) return malformed("trailers were not announced");
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return malformed("a trailer is not \"name:value\"");
  std::string name = lower(trimmed(text.substr(0, colon)));
  std::string value(trimmed(text.substr(colon + 1)));
  if (name == kTrailerSignature)
    trailer_signature = std::move(value);
  else
    trailers.emplace_back(std::move(name), std::move(value));
  if (trailers.size() > kTrailerLimit) return malformed("there are too many trailers");
  return {};
}

Status AwsChunked::State::end_of_trailers() {
  at = At::kDone;
  if (!verify || form != PayloadForm::kChunkedSignedTrailer) return {};
  auto sorted = trailers;
  std::sort(sorted.begin(), sorted.end());
  std::string canonical;
  for (const auto& [name, value] : sorted) canonical.append(name).append(":").append(value).append("\n");
  const std::string text = fmt::format("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}", date, scope, previous,
                                       to_hex(Digest::of(DigestKind::kSha256, canonical)));
  if (!equal_constant_time(sigv4::signature(key, text), trailer_signature)) return wrong_signature();
  return {};
}

Status AwsChunked::State::step(std::string_view& bytes, const std::function<Status(std::string_view)>& out) {
  if (at == At::kData) return take_data(bytes, out);
  if (at == At::kDataEnd) return take_data_end(bytes);
  if (at == At::kDone) return malformed("something follows its end");
  TRY(const std::optional<std::string> text, take_line(bytes));
  if (!text) return {};
  return at == At::kHead ? take_head(*text) : take_trailer(*text);
}

AwsChunked::AwsChunked(const Judged& judged, std::optional<std::uint64_t> decoded_length, bool verify)
    : state_(std::make_unique<State>()) {
  state_->form = judged.payload;
  state_->verify = verify && !judged.anonymous;
  state_->key = judged.signing_key;
  state_->date = judged.amz_date;
  state_->scope = judged.scope;
  state_->previous = judged.seed_signature;
  state_->promised = decoded_length;
}

AwsChunked::~AwsChunked() = default;
AwsChunked::AwsChunked(AwsChunked&&) noexcept = default;

Status AwsChunked::feed(std::string_view bytes, const std::function<Status(std::string_view)>& out) {
  while (!bytes.empty()) TRY(state_->step(bytes, out));
  return {};
}

Status AwsChunked::finish() {
  if (state_->at != State::At::kDone) return malformed("it ends too early");
  if (state_->promised && state_->decoded != *state_->promised)
    return malformed("there is less than x-amz-decoded-content-length says");
  return {};
}

const std::vector<std::pair<std::string, std::string>>& AwsChunked::trailers() const {
  return state_->trailers;
}

}  // namespace sagelet::auth
