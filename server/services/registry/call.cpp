#include "server/services/registry/call.hpp"

#include <algorithm>
#include <cctype>

#include "base/digest.hpp"
#include "fmt/format.h"
#include "server/http/uri.hpp"
#include "server/services/registry_login.hpp"

namespace sagelet::registry {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

http::Response unsupported(std::string_view method) {
  return failure(405, "UNSUPPORTED", fmt::format("{} is not for this path", method));
}

}  // namespace

std::unique_ptr<http::Exchange> Registry::exchange() {
  return std::make_unique<Call>(*this);
}

std::optional<http::Response> Call::begin(http::Head head) {
  head_ = std::move(head);
  for (const auto step : {&Call::read_route, &Call::choose_registry, &Call::open_body})
    if (auto done = (this->*step)(); !done) return std::move(done).error();
  return std::nullopt;
}

std::optional<http::Response> Call::body(std::string_view bytes) {
  if (lease_) {
    lease_->write(bytes);
  } else if (gathers_) {
    if (body_.size() + bytes.size() > images::kLargestManifest)
      return failure(413, "MANIFEST_INVALID",
                     fmt::format("a manifest may have {} bytes at most", images::kLargestManifest));
    body_.append(bytes);
  }
  return std::nullopt;
}

void Call::finish(std::function<void(http::Response)> done) {
  auto response = answer();
  lease_.reset();  // before the client can send the next chunk
  done(std::move(response));
}

std::optional<std::string> Call::query(std::string_view name) const {
  return http::query_value(head_.query(), name);
}

// ---- on the head ----

Step<void> Call::read_route() {
  auto route = parse_route(head_.path());
  if (!route) return tl::unexpected(failure(404, "UNSUPPORTED", "there is nothing at this path"));
  route_ = std::move(*route);
  written_ = route_.repository;
  return {};
}

/// By the name the request was sent to, else by one in front of the repository
/// (127.0.0.1:4577/111122223333.dkr.ecr.eu-west-1.amazonaws.com/name), else the caller's own.
Step<void> Call::choose_registry() {
  TRY(const std::string account, has_signed_address() ? std::string() : account_of_caller());
  const auto& options = registry_.options();
  place_ = {{account.empty() ? options.account : account, options.region}, route_.repository};
  const auto host = lower(head_.peer.tunnel_host.empty() ? head_.headers.get("host")
                                                         : std::string_view(head_.peer.tunnel_host));
  if (auto named = images::registry_of_host(host)) {
    place_.registry = std::move(*named);
  } else if (const auto slash = place_.repository.find('/'); slash != std::string::npos) {
    if (auto in_path = images::registry_of_host(place_.repository.substr(0, slash))) {
      place_.registry = std::move(*in_path);
      place_.repository.erase(0, slash + 1);
    }
  }
  TRY(check_right(account));
  if (!place_.repository.empty() && !images::is_repository_name(place_.repository))
    return tl::unexpected(
        failure(400, "NAME_INVALID", fmt::format("\"{}\" is no repository name", place_.repository)));
  return {};
}

/// Logins are judged: where they are everywhere, and of nodes, whose logins the gateway has looked at too.
bool Call::is_strict() const {
  return registry_.options().strict || head_.peer.visit != nullptr;
}

/// An address of GetDownloadUrlForLayer: whoever has it may read that layer, but for nodes, which log in.
bool Call::has_signed_address() const {
  return route_.what == What::kBlob && reads() && head_.peer.visit == nullptr &&
         LayerUrls::claims(head_.query());
}

/// Is the login, or the address, one for the registry that is meant?
Step<void> Call::check_right(const std::string& account) const {
  if (has_signed_address()) {
    if (registry_.layer_urls().is_good(place_, route_.name, head_.query())) return {};
    return tl::unexpected(failure(403, "DENIED", "the address was not signed here, or its time is over"));
  }
  if (!is_strict() || place_.registry.account == account) return {};
  return tl::unexpected(
      failure(403, "DENIED",
              fmt::format("the login is of the account {}, not of {}", account, place_.registry.account)));
}

/// Empty: nobody in particular. Docker sends no login before it was challenged, so on this machine nothing is
/// asked for, unless strict.
Step<std::string> Call::account_of_caller() {
  const auto login = parse_registry_login(head_.headers.get("authorization"));
  const bool strict = is_strict();
  if (!login) {
    if (strict || !head_.peer.loopback) return tl::unexpected(challenge());
    return std::string();
  }
  const auto found = registry_.credentials().find(login->access_key);
  const bool good = login->user == kRegistryUser && found &&
                    equal_constant_time(found->session_token, login->token) &&
                    registry_.clock().now() < found->expires;
  if (good) return found->account;
  if (strict) return tl::unexpected(challenge());
  return std::string();
}

http::Response Call::challenge() const {
  auto response = failure(401, "UNAUTHORIZED",
                          "log in first: aws ecr get-login-password | docker login --username AWS "
                          "--password-stdin <registry>");
  response.headers.add("WWW-Authenticate",
                       fmt::format("Basic realm=\"{}://{}/\",service=\"ecr.amazonaws.com\"",
                                   head_.peer.tls ? "https" : "http", head_.headers.get("host")));
  return response;
}

Step<void> Call::open_body() {
  gathers_ = route_.what == What::kManifest && is("PUT");
  if (route_.what == What::kUpload && (is("PATCH") || is("PUT"))) return open_chunk();
  if (route_.what == What::kUploads && is("POST") && query("digest")) return open_whole_blob();
  return {};
}

// ---- the answer ----

http::Response Call::answer() {
  switch (route_.what) {
    case What::kRoot:
      return reads() ? json("{}") : unsupported(head_.method);
    case What::kCatalog:
      return reads() ? catalog() : unsupported(head_.method);
    case What::kTags:
      return reads() ? tags() : unsupported(head_.method);
    case What::kReferrers:
      return reads() ? referrers() : unsupported(head_.method);
    case What::kManifest:
      return manifest();
    case What::kBlob:
      return reads() ? blob() : is("DELETE") ? delete_blob() : unsupported(head_.method);
    case What::kUploads:
      return is("POST") ? start_upload() : unsupported(head_.method);
    case What::kUpload:
      return upload();
  }
  return unsupported(head_.method);
}

}  // namespace sagelet::registry
