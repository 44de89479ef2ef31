#include <algorithm>
#include <cctype>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/sigv4.hpp"
#include "base/time_text.hpp"
#include "client/http.hpp"
#include "fmt/format.h"

namespace sagelet::client {

namespace {

struct UrlParts {
  std::string_view host, path, query;
};

UrlParts split(std::string_view url) {
  UrlParts out;
  const bool secure = url.starts_with("https://");
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  const auto path_at = url.find_first_of("/?");
  out.host = url.substr(0, path_at);
  // libcurl leaves the scheme's own port out of the Host header.
  if (const std::string_view port = secure ? ":443" : ":80"; out.host.ends_with(port))
    out.host.remove_suffix(port.size());
  if (path_at == std::string_view::npos) return out;
  url.remove_prefix(path_at);
  const auto query_at = url.find('?');
  out.path = url.substr(0, query_at);
  if (query_at != std::string_view::npos) out.query = url.substr(query_at + 1);
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

}  // namespace

void sign(Request& request, const Credentials& credentials, std::string_view service,
          std::string_view payload_hash) {
  const UrlParts url = split(request.url);
  const std::string date = amz_date(SystemClock().now());
  const std::string hash = payload_hash.empty() ? to_hex(Digest::of(DigestKind::kSha256, request.body))
                                                : std::string(payload_hash);
  request.headers.emplace_back("X-Amz-Date", date);
  request.headers.emplace_back("x-amz-content-sha256", hash);
  if (!credentials.session_token.empty())
    request.headers.emplace_back("X-Amz-Security-Token", credentials.session_token);

  std::vector<std::pair<std::string, std::string_view>> signed_headers{{"host", url.host}};
  for (const auto& [name, value] : request.headers) signed_headers.emplace_back(lower(name), value);
  std::sort(signed_headers.begin(), signed_headers.end());

  sigv4::CanonicalRequest canonical{
      .method = request.method, .path = url.path, .query = url.query, .payload_hash = hash};
  canonical.is_s3 = service == "s3";
  std::string names;
  for (const auto& [name, value] : signed_headers) {
    canonical.signed_headers.emplace_back(name, value);
    names += (names.empty() ? "" : ";") + name;
  }
  const sigv4::Scope scope{date.substr(0, 8), credentials.region, std::string(service)};
  const std::string signature =
      sigv4::signature(sigv4::signing_key(credentials.secret_key, scope),
                       sigv4::string_to_sign(date, scope, sigv4::canonical_text(canonical)));
  request.headers.emplace_back(
      "Authorization", fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                                   credentials.access_key, scope.str(), names, signature));
}

}  // namespace sagelet::client
