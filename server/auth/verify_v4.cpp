#include <algorithm>
#include <array>
#include <list>

#include "base/digest.hpp"
#include "base/sha256.hpp"
#include "base/time_text.hpp"
#include "server/auth/refusals.hpp"
#include "server/auth/signature.hpp"

namespace sagelet::auth {

namespace {

struct SigningKey {
  std::string secret;
  sigv4::Scope scope;
  std::string key;
  HmacSha256 mac;  ///< by `key`
};

/// The last few signing keys of this thread: making one costs five HMACs, and a client uses the same all day.
class KeyCache {
 public:
  const SigningKey& get(std::string_view secret, const sigv4::Scope& scope) {
    for (const auto& known : keys_)
      if (known && known->secret == secret && known->scope.service == scope.service &&
          known->scope.region == scope.region && known->scope.date == scope.date)
        return *known;
    auto& oldest = keys_[next_];
    next_ = (next_ + 1) % keys_.size();
    const std::string key = sigv4::signing_key(secret, scope);
    return oldest.emplace(SigningKey{std::string(secret), scope, key, HmacSha256(key)});
  }

 private:
  std::array<std::optional<SigningKey>, 8> keys_;
  std::size_t next_ = 0;
};

/// The signed headers as the canonical request lists them. Keeps the values it had to put together.
class SignedHeaders {
 public:
  SignedHeaders(const http::Head& head, std::string_view names) {
    views_.reserve(head.headers.size());
    for (std::size_t at = 0; at <= names.size();) {
      const auto end = std::min(names.find(';', at), names.size());
      add(head, names.substr(at, end - at));
      at = end + 1;
    }
  }
  bool has(std::string_view name) const {
    return std::any_of(views_.begin(), views_.end(), [&](const auto& view) { return view.first == name; });
  }
  /// The same, of a name as it was sent: they are signed in lower case.
  bool has_sent(std::string_view name) const {
    return std::any_of(views_.begin(), views_.end(), [&](const auto& view) {
      return http::same_name(view.first, name) && is_lower(view.first);
    });
  }
  const std::vector<sigv4::HeaderView>& views() const { return views_; }

 private:
  static bool is_lower(std::string_view name) {
    return std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  }
  void add(const http::Head& head, std::string_view name) {
    std::optional<std::string_view> value;
    bool joined = false;
    for (const http::Header& header : head.headers) {
      if (!http::same_name(header.name, name)) continue;
      if (value && !joined) value = kept_.emplace_back(*value);
      if (joined || value) {
        joined = true;
        kept_.back().append(",").append(header.value);
        value = kept_.back();
      } else {
        value = header.value;
      }
    }
    views_.emplace_back(name, value.value_or(std::string_view()));
  }

  std::list<std::string> kept_;
  std::vector<sigv4::HeaderView> views_;
};

/// S3's rule: who may add an x-amz- header to a signed request could change what it does.
bool leaves_headers_open(const http::Head& head, const SignedHeaders& signed_headers) {
  constexpr std::string_view kPrefix = "x-amz-";
  for (const http::Header& header : head.headers) {
    if (header.name.size() <= kPrefix.size()) continue;
    if (!http::same_name(std::string_view(header.name).substr(0, kPrefix.size()), kPrefix)) continue;
    if (http::same_name(header.name, "x-amz-content-sha256") ||
        http::same_name(header.name, "x-amz-user-agent"))
      continue;  // the hash is signed by its own line
    if (!signed_headers.has_sent(header.name)) return true;
  }
  return false;
}

std::optional<Refusal> check_time(const V4Claim& claim, WallTime now, std::chrono::seconds skew) {
  const auto signed_at = parse_amz_date(claim.amz_date);
  if (!signed_at) return refusals::date_missing(claim.scope.service);
  if (!claim.amz_date.starts_with(claim.scope.date))
    return refusals::header_malformed(claim.scope.service,
                                      "Invalid credential date \"" + claim.scope.date +
                                          "\". This date is not the same as X-Amz-Date: \"" +
                                          claim.amz_date.substr(0, 8) + "\".");
  if (*signed_at > now + skew)
    return claim.presigned ? refusals::not_yet_valid() : refusals::skewed(claim.scope.service);
  if (*signed_at < now - skew && !claim.expires_in) return refusals::skewed(claim.scope.service);
  return std::nullopt;
}

/// The SDK for Java signs "a//b" and sends "a/%2Fb", so that its HTTP library leaves it alone.
template <class Matches>
bool matches_with_slashes(sigv4::CanonicalRequest request, const Matches& matches) {
  std::string path(request.path);
  bool any = false;
  for (auto at = path.find("/%2F"); at != std::string::npos; at = path.find("/%2F", at), any = true)
    path.replace(at + 1, 3, "/");
  request.path = path;
  request.path_as_sent = false;
  return any && matches(sigv4::canonical_text(request));
}

}  // namespace

std::optional<Refusal> verify_v4(const http::Head& head, const V4Claim& claim, std::string_view secret,
                                 WallTime now, std::chrono::seconds skew, Judged& judged) {
  if (auto refusal = check_time(claim, now, skew)) return refusal;
  const SignedHeaders signed_headers(head, claim.signed_headers);
  if (!signed_headers.has("host") || (claim.is_s3() && leaves_headers_open(head, signed_headers)))
    return refusals::header_not_signed();
  if (claim.is_s3() && claim.payload_hash.empty()) return refusals::payload_hash_missing();

  thread_local KeyCache cache;
  const SigningKey& key = cache.get(secret, claim.scope);
  if (judged.payload != PayloadForm::kPlain || claim.payload_hash.empty()) judged.signing_key = key.key;
  sigv4::CanonicalRequest request{.method = head.method,
                                  .path = head.path(),
                                  .query = head.query(),
                                  .signed_headers = signed_headers.views(),
                                  .payload_hash = claim.payload_hash,
                                  .is_s3 = claim.is_s3(),
                                  .without_signature = claim.presigned};
  const std::string canonical = sigv4::canonical_text(request);
  if (claim.payload_hash.empty()) {
    judged.open_canonical = canonical;
    judged.claimed_signature = claim.signature;
    return std::nullopt;
  }
  const auto matches = [&](std::string_view text) {
    const std::string right = to_hex(key.mac.of(sigv4::string_to_sign(claim.amz_date, claim.scope, text)));
    return equal_constant_time(right, claim.signature);
  };
  judged.verified = matches(canonical);
  if (!judged.verified && claim.is_s3()) {
    request.path_as_sent = true;  // some clients sign the path they send, badly encoded as it is
    judged.verified = matches(sigv4::canonical_text(request));
    if (!judged.verified) judged.verified = matches_with_slashes(request, matches);
  }
  return judged.verified ? std::nullopt : std::optional(refusals::wrong_signature(claim.scope.service));
}

}  // namespace sagelet::auth
