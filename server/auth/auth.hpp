#pragma once
// Who is calling: signatures (v4 header, query, form, chunked; v2 header, query, form), credentials, host and
// origin guard.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "server/http/headers.hpp"
#include "server/http/message.hpp"

namespace sagelet::auth {

enum class Mode { kLax, kStrict };

struct Key {
  std::string access_key, secret_key, account, account_name, email;
};

/// What a key is worth: static keys of the config first, then `sessions` (jobs, AssumeRole).
struct Caller {
  std::string account;
  std::string access_key;
  std::string secret_key;
  std::string session_token;  ///< must be sent along when not empty
  std::string role_arn, session_name;
  std::string job_id;
  WallTime expires{};  ///< refused from then on (strict mode); 0 is never
};
using SessionLookup = std::function<std::optional<Caller>(std::string_view access_key)>;

struct Options {
  Mode mode = Mode::kLax;
  std::string default_account = "000000000000";
  std::string default_region = "us-east-1";
  std::vector<Key> keys;
  std::chrono::seconds clock_skew{900};  ///< strict mode only
  std::string host;                      ///< --host
  std::vector<std::string> allowed_hosts;
};

/// How the body must be read and checked.
enum class PayloadForm { kPlain, kChunkedSigned, kChunkedSignedTrailer, kChunkedUnsignedTrailer };

struct Judged {
  bool anonymous = true;
  Caller caller;        ///< account always set
  std::string service;  ///< from the scope; empty for v2 and anonymous
  std::string region;
  bool verified = false;  ///< the signature was checked with the secret and is right
  bool presigned = false;
  PayloadForm payload = PayloadForm::kPlain;
  std::string payload_sha256;                                ///< hex when the body's hash is signed
  std::string seed_signature, signing_key, amz_date, scope;  ///< for chunk signatures
  /// Strict mode, v4 of services other than S3: the body's hash is signed but not sent, so judge_body()
  /// finishes what judge() could not. Holds the canonical request up to the payload hash; empty otherwise.
  std::string open_canonical;
  std::string claimed_signature;
};

/// AWS's code and text: MissingAuthenticationToken, InvalidClientTokenId/InvalidAccessKeyId,
/// SignatureDoesNotMatch, AuthorizationHeaderMalformed, RequestTimeTooSkewed, AccessDenied (expired presigned
/// URL)... Protocols differ in code names: `code` is S3's, `json_code` everybody else's.
struct Refusal {
  std::string code, json_code, message;
  int status = 403;
};

/// Thread-safe.
class Authenticator {
 public:
  Authenticator(Options options, SessionLookup sessions, const Clock& clock);
  /// From the head alone.
  tl::expected<Judged, Refusal> judge(const http::Head& head) const;
  /// A browser's form by its fields: version 4 (x-amz-signature), version 2 (signature), or anonymous when it
  /// has nothing of either and no policy. What the policy says is the service's to judge.
  tl::expected<Judged, Refusal> judge_form(const http::Headers& fields) const;
  /// After the body: compares its hash with a signed payload_sha256 (strict mode; a streamed body is compared
  /// by its sink instead) and verifies a signature that judge() left open. nullopt: all is well.
  std::optional<Refusal> judge_body(const Judged& judged, std::string_view body, bool streamed) const;
  /// A Host that is neither ours nor an AWS name is refused (DNS rebinding); a foreign Origin too, except for
  /// S3.
  bool host_allowed(const http::Head& head) const;
  bool origin_foreign(const http::Head& head) const;
  const Options& options() const { return options_; }

 private:
  Options options_;
  SessionLookup sessions_;
  const Clock& clock_;
};

/// Removes aws-chunked framing as bytes arrive, checks chunk signatures (strict), the decoded length and
/// gathers trailers. Malformed framing is kInvalid; a wrong signature kPermission.
class AwsChunked {
 public:
  AwsChunked(const Judged& judged, std::optional<std::uint64_t> decoded_length, bool verify);
  ~AwsChunked();
  AwsChunked(AwsChunked&&) noexcept;
  /// Hands decoded bytes to `out` as they become complete.
  Status feed(std::string_view bytes, const std::function<Status(std::string_view)>& out);
  /// The end of the body: incomplete framing is an error.
  Status finish();
  /// Lower-case names: x-amz-checksum-crc32 ...
  const std::vector<std::pair<std::string, std::string>>& trailers() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sagelet::auth
