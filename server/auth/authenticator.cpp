#include <algorithm>

#include "base/digest.hpp"
#include "server/auth/refusals.hpp"
#include "server/auth/signature.hpp"
#include "server/http/uri.hpp"

namespace sagelet::auth {

namespace {

enum class Mechanism { kNone, kV4Header, kV4Query, kV2Header, kV2Query };

bool has_v4_query(std::string_view query) {
  return query.find("X-Amz-") != std::string_view::npos &&
         (http::has_query(query, "X-Amz-Algorithm") || http::has_query(query, "X-Amz-Credential") ||
          http::has_query(query, "X-Amz-Signature"));
}

bool has_v2_query(std::string_view query) {
  return query.find("AWSAccessKeyId") != std::string_view::npos && http::has_query(query, "AWSAccessKeyId");
}

Parsed<Mechanism> mechanism_of(const http::Head& head) {
  const auto authorization = head.headers.find("authorization");
  const bool v4_query = has_v4_query(head.query()), v2_query = has_v2_query(head.query());
  if (authorization ? v4_query || v2_query : v4_query && v2_query)
    return tl::unexpected(refusals::two_mechanisms());
  if (v4_query) return Mechanism::kV4Query;
  if (v2_query) return Mechanism::kV2Query;
  if (!authorization) return Mechanism::kNone;
  if (authorization->starts_with("AWS4-HMAC-SHA256")) return Mechanism::kV4Header;
  if (authorization->starts_with("AWS ")) return Mechanism::kV2Header;
  if (authorization->empty()) {
    Refusal refusal = refusals::header_malformed({}, "it is empty.");
    refusal.code = "AccessDenied";
    refusal.status = 403;
    return tl::unexpected(std::move(refusal));
  }
  return tl::unexpected(refusals::unsupported_authorization());
}

bool is_account(std::string_view key) {
  return key.size() == 12 && std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Caller> known_caller(const Options& options, const SessionLookup& sessions,
                                   std::string_view key) {
  for (const Key& mine : options.keys)
    if (mine.access_key == key)
      return Caller{.account = mine.account, .access_key = mine.access_key, .secret_key = mine.secret_key};
  // Temporary keys begin so, as AWS's do: a lookup costs a read of the ledger, and others cannot be there.
  if (sessions && key.starts_with("ASIA")) return sessions(key);
  return std::nullopt;
}

/// Lax mode: whoever it says it is.
Caller lax_caller(const Options& options, const SessionLookup& sessions, const std::string& key) {
  if (auto known = known_caller(options, sessions, key)) return std::move(*known);
  return {.account = is_account(key) ? key : options.default_account, .access_key = key};
}

}  // namespace

std::optional<Refusal> find_caller(const Options& options, const SessionLookup& sessions,
                                   const std::string& key, const std::string& token, std::string_view service,
                                   WallTime now, Judged& judged) {
  judged.anonymous = false;
  if (options.mode == Mode::kLax) {
    judged.caller = lax_caller(options, sessions, key);
    return std::nullopt;
  }
  auto known = known_caller(options, sessions, key);
  if (!known) return refusals::unknown_key(service);
  if (!equal_constant_time(known->session_token, token)) return refusals::bad_token(service);
  if (known->expires != WallTime() && now >= known->expires) return refusals::expired_token(service);
  judged.caller = std::move(*known);
  return std::nullopt;
}

namespace {

/// How the body is framed, which any request may say, and its hash, which only a version 4 signature covers.
std::optional<Refusal> judge_payload(const http::Head& head, const V4Claim* claim, Judged& judged) {
  const std::string_view header = head.headers.get("x-amz-content-sha256");
  const std::string_view said =
      claim && !claim->payload_hash.empty() ? std::string_view(claim->payload_hash) : header;
  if (said.empty()) return std::nullopt;
  auto payload = read_payload(said);
  const auto framing = said == header ? std::nullopt : read_payload(header);
  const auto& frames = said == header ? payload : framing;
  if (frames && frames->form != PayloadForm::kPlain) judged.payload = frames->form;
  if (!claim) return std::nullopt;
  if (!payload && claim->is_s3()) return refusals::payload_hash_malformed();
  if (payload) judged.payload_sha256 = std::move(payload->sha256);
  return std::nullopt;
}

/// What the body will be judged by, if it is.
void keep_for_body(V4Claim claim, Judged& judged) {
  if (judged.payload == PayloadForm::kPlain && judged.open_canonical.empty()) return;
  judged.scope = claim.scope.str();
  judged.amz_date = std::move(claim.amz_date);
  judged.seed_signature = std::move(claim.signature);
}

Parsed<Judged> judge_v4(const http::Head& head, V4Claim claim, const Options& options,
                        const SessionLookup& sessions, WallTime now) {
  Judged judged;
  judged.service = claim.scope.service;
  judged.region = claim.scope.region;
  judged.presigned = claim.presigned;
  if (auto refusal = judge_payload(head, &claim, judged)) return tl::unexpected(std::move(*refusal));
  if (auto refusal = check_lifetime(claim, now)) return tl::unexpected(std::move(*refusal));
  if (auto refusal = find_caller(options, sessions, claim.access_key, claim.session_token,
                                 claim.scope.service, now, judged))
    return tl::unexpected(std::move(*refusal));
  if (options.mode == Mode::kStrict)
    if (auto refusal = verify_v4(head, claim, judged.caller.secret_key, now, options.clock_skew, judged))
      return tl::unexpected(std::move(*refusal));
  keep_for_body(std::move(claim), judged);
  return judged;
}

Parsed<Judged> judge_v2(const http::Head& head, const V2Claim& claim, const Options& options,
                        const SessionLookup& sessions, WallTime now) {
  Judged judged;
  judged.presigned = claim.presigned;
  if (auto refusal = judge_payload(head, nullptr, judged)) return tl::unexpected(std::move(*refusal));
  if (auto refusal = check_lifetime(claim, now)) return tl::unexpected(std::move(*refusal));
  if (auto refusal = find_caller(options, sessions, claim.access_key, claim.session_token, {}, now, judged))
    return tl::unexpected(std::move(*refusal));
  if (options.mode == Mode::kLax) return judged;
  const std::string& secret = judged.caller.secret_key;
  if (auto refusal = verify_v2(head, claim, secret, now, options.clock_skew, options.host))
    return tl::unexpected(std::move(*refusal));
  judged.verified = true;
  return judged;
}

}  // namespace

Authenticator::Authenticator(Options options, SessionLookup sessions, const Clock& clock)
    : options_(std::move(options)), sessions_(std::move(sessions)), clock_(clock) {}

tl::expected<Judged, Refusal> Authenticator::judge(const http::Head& head) const {
  TRY(const Mechanism mechanism, mechanism_of(head));
  const std::string_view authorization = head.headers.get("authorization");
  const WallTime now = clock_.now();
  if (mechanism == Mechanism::kV4Header || mechanism == Mechanism::kV4Query) {
    TRY(V4Claim claim,
        mechanism == Mechanism::kV4Header ? parse_v4_header(head, authorization) : parse_v4_query(head));
    return judge_v4(head, std::move(claim), options_, sessions_, now);
  }
  if (mechanism == Mechanism::kV2Header || mechanism == Mechanism::kV2Query) {
    TRY(const V2Claim claim,
        mechanism == Mechanism::kV2Header ? parse_v2_header(head, authorization) : parse_v2_query(head));
    return judge_v2(head, claim, options_, sessions_, now);
  }
  Judged judged;
  judged.caller.account = options_.default_account;
  if (auto refusal = judge_payload(head, nullptr, judged)) return tl::unexpected(std::move(*refusal));
  return judged;
}

std::optional<Refusal> Authenticator::judge_body(const Judged& judged, std::string_view body,
                                                 bool streamed) const {
  if (options_.mode == Mode::kLax || judged.anonymous) return std::nullopt;
  const bool open = !judged.open_canonical.empty();
  if (!open && (streamed || judged.payload_sha256.empty())) return std::nullopt;
  if (open && streamed) return refusals::wrong_signature(judged.service);  // nobody hashed it
  static const std::string none = to_hex(Digest::of(DigestKind::kSha256, {}));
  const std::string hash = body.empty() ? none : to_hex(Digest::of(DigestKind::kSha256, body));
  if (!open) {
    if (equal_constant_time(hash, judged.payload_sha256)) return std::nullopt;
    return refusals::payload_mismatch(judged.service);
  }
  const sigv4::Scope scope{judged.scope.substr(0, 8), judged.region, judged.service};
  const std::string right = sigv4::signature(
      judged.signing_key, sigv4::string_to_sign(judged.amz_date, scope, judged.open_canonical + hash));
  if (equal_constant_time(right, judged.claimed_signature)) return std::nullopt;
  return refusals::wrong_signature(judged.service);
}

}  // namespace sagelet::auth
