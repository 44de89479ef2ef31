#include "server/cli/environment.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "nlohmann/json.hpp"

extern char** environ;

namespace sagelet::cli {

namespace {

using nlohmann::json;

constexpr auto kBefore = "SAGELET_ENV_BEFORE";
constexpr auto kUpstream = "SAGELET_UPSTREAM_PROXY";
constexpr auto kDummy = "sagelet";

/// They would lead elsewhere, or make the dummy credentials another's.
constexpr std::array kUnset = {"AWS_PROFILE",
                               "AWS_DEFAULT_PROFILE",
                               "AWS_SESSION_TOKEN",
                               "AWS_SECURITY_TOKEN",
                               "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                               "AWS_USE_FIPS_ENDPOINT",
                               "AWS_USE_DUALSTACK_ENDPOINT"};
constexpr std::array<std::string_view, 6> kAwsDomains = {
    "amazonaws.com", "amazonaws.com.cn", "api.aws", "on.aws", "amazonaws.eu", "aws.amazon.com"};
constexpr std::array<std::string_view, 3> kLoopback = {"127.0.0.1", "localhost", "::1"};

std::string value_of(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// host:port of a URL, for comparing.
std::string address_of(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  if (const auto user = url.find('@'); user != std::string_view::npos) url.remove_prefix(user + 1);
  return lowered(url.substr(0, url.find('/')));
}

bool is_under(std::string_view name, std::string_view domain) {
  return name == domain || (name.size() > domain.size() && name.ends_with(domain) &&
                            name[name.size() - domain.size() - 1] == '.');
}

/// ".amazonaws.com", "*.com", "s3.amazonaws.com:443", "*": each keeps an AWS name from the proxy.
bool covers_aws(std::string_view entry) {
  auto name = lowered(entry);
  if (const auto port = name.find(':');
      port != std::string::npos && name.find(':', port + 1) == std::string::npos)
    name.resize(port);
  name.erase(0,
             name.find_first_not_of("*.") == std::string::npos ? name.size() : name.find_first_not_of("*."));
  return name.empty() || std::ranges::any_of(kAwsDomains, [&](std::string_view domain) {
           return is_under(domain, name) || is_under(name, domain);
         });
}

std::vector<std::string> entries_of(std::string_view list) {
  std::vector<std::string> entries;
  while (!list.empty()) {
    const auto end = list.find_first_of(", \t");
    if (const auto entry = list.substr(0, end); !entry.empty()) entries.emplace_back(entry);
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
  }
  return entries;
}

bool is_shell_name(std::string_view name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

void set_proxies(Changes& changes, const Environment& base, const std::string& url) {
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}) changes[name] = url;
  if (base.contains("ALL_PROXY") || base.contains("all_proxy"))
    changes["ALL_PROXY"] = changes["all_proxy"] = url;
  changes["NO_PROXY"] = changes["no_proxy"] = no_proxy(base);
  const auto upstream = upstream_proxy(base, url);
  changes[kUpstream] = upstream.empty() ? std::nullopt : std::optional(upstream);
}

void set_aws(Changes& changes, const Environment& base, const Facts& facts) {
  changes["AWS_ENDPOINT_URL"] = facts.url;
  changes["AWS_REGION"] = changes["AWS_DEFAULT_REGION"] = facts.region;
  changes["AWS_ACCESS_KEY_ID"] = changes["AWS_SECRET_ACCESS_KEY"] = kDummy;
  changes["AWS_EC2_METADATA_DISABLED"] = "true";
  for (const char* name : kUnset) changes[name] = std::nullopt;
  for (const auto& [name, value] : base)
    if (name.starts_with("AWS_ENDPOINT_URL_")) changes[name] = std::nullopt;
}

void set_authorities(Changes& changes, const Facts& facts) {
  for (const char* name : {"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"})
    changes[name] = facts.bundle;
  changes["NODE_EXTRA_CA_CERTS"] = facts.authority;
}

/// {"NAME": [what it was or null, what we made of it or null]}
std::string memory_of(const Environment& base, const Changes& changes) {
  auto memory = json::object();
  for (const auto& [name, value] : changes) {
    const auto was = base.find(name);
    if (was == base.end() && !value) continue;
    memory[name] = {was == base.end() ? json() : json(was->second), value ? json(*value) : json()};
  }
  return memory.dump(-1, ' ', true, json::error_handler_t::replace);
}

/// What leads from one environment to another.
Changes difference(const Environment& from, const Environment& to) {
  Changes changes;
  for (const auto& [name, value] : from)
    if (!to.contains(name)) changes[name] = std::nullopt;
  for (const auto& [name, value] : to)
    if (const auto old = from.find(name); old == from.end() || old->second != value) changes[name] = value;
  return changes;
}

/// Ours still, as we left it?
bool untouched(const Environment& now, const std::string& name, const json& made) {
  const auto found = now.find(name);
  return made.is_null() ? found == now.end() : found != now.end() && made == found->second;
}

void put_back(Environment& environment, const std::string& name, const json& entry) {
  if (!entry.is_array() || entry.size() != 2 || !untouched(environment, name, entry[1])) return;
  environment.erase(name);
  if (entry[0].is_string()) environment[name] = entry[0].get<std::string>();
}

}  // namespace

Environment environment_of_process() {
  Environment out;
  for (char** pair = environ; *pair != nullptr; ++pair) {
    const std::string_view text = *pair;
    if (const auto equals = text.find('='); equals != std::string_view::npos)
      out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

Environment before(const Environment& now) {
  auto base = now;
  const auto memory = json::parse(value_of(now, kBefore), nullptr, false);
  if (memory.is_object())
    for (const auto& [name, entry] : memory.items()) put_back(base, name, entry);
  base.erase(kBefore);
  return base;
}

Changes point_at(const Environment& now, const Facts& facts) {
  const auto base = before(now);
  Changes changes;
  changes["SAGELET_URL"] = facts.url;
  set_aws(changes, base, facts);
  set_proxies(changes, base, facts.url);
  set_authorities(changes, facts);
  changes[kBefore] = memory_of(base, changes);
  // Variables of an earlier turn that this one does not touch are put back.
  for (const auto& [name, value] : difference(now, base)) changes.emplace(name, value);
  std::erase_if(changes, [&](const auto& change) { return !change.second && !now.contains(change.first); });
  return changes;
}

Changes undo(const Environment& now) {
  return difference(now, before(now));
}

Environment applied(Environment environment, const Changes& changes) {
  for (const auto& [name, value] : changes) {
    environment.erase(name);
    if (value) environment[name] = *value;
  }
  return environment;
}

std::string shell_quoted(std::string_view value) {
  std::string out = "'";
  for (const char c : value) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string to_shell(const Changes& changes) {
  std::string out;
  for (const auto& [name, value] : changes) {
    if (!is_shell_name(name)) continue;
    out +=
        value ? fmt::format("export {}={}\n", name, shell_quoted(*value)) : fmt::format("unset {}\n", name);
  }
  return out;
}

std::string upstream_proxy(const Environment& base, std::string_view our_url) {
  const std::array ours = {address_of(our_url), address_of(value_of(base, "SAGELET_URL"))};
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", kUpstream}) {
    const auto proxy = value_of(base, name);
    if (!proxy.empty() && std::ranges::find(ours, address_of(proxy)) == ours.end()) return proxy;
  }
  return {};
}

std::string no_proxy(const Environment& base) {
  std::vector<std::string> kept;
  const auto add = [&](std::string_view entry) {
    if (std::ranges::find(kept, entry) == kept.end()) kept.emplace_back(entry);
  };
  for (const char* name : {"NO_PROXY", "no_proxy"})
    for (const auto& entry : entries_of(value_of(base, name)))
      if (!covers_aws(entry)) add(entry);
  for (const auto name : kLoopback) add(name);
  return fmt::format("{}", fmt::join(kept, ","));
}

}  // namespace sagelet::cli
