#include "server/config.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/fs.hpp"
#include "fmt/format.h"
#include "server/config_slurm.hpp"
#include "server/config_yaml.hpp"
#include "server/http/uri.hpp"

namespace sagelet {

namespace {

using namespace config_yaml;

constexpr std::int64_t kMaxSeconds = 30LL * 24 * 3600;

Status read_account_id(std::string& out, const Place& place, const YAML::Node& node) {
  std::string value;
  TRY(text(value)(place, node));
  if (!is_account_id(value)) return expected(place, node, "expected 12 digits, in quotes: \"111111111111\"");
  out = std::move(value);
  return {};
}

Status read_key(auth::Key key, std::vector<auth::Key>& keys, const Place& place, const YAML::Node& node) {
  TRY(read_map(place, node, {{"access_key", text(key.access_key)}, {"secret_key", text(key.secret_key)}}));
  if (key.access_key.empty() || key.secret_key.empty())
    return expected(place, node, "expected { access_key: ..., secret_key: ... }");
  if (std::ranges::any_of(keys, [&](const auth::Key& other) { return other.access_key == key.access_key; }))
    return expected(place, node, fmt::format("the access key {} is there twice", key.access_key));
  keys.push_back(std::move(key));
  return {};
}

Status read_account(std::vector<auth::Key>& keys, const Place& place, const YAML::Node& node) {
  auth::Key account;
  YAML::Node listed;
  TRY(read_map(place, node,
               {{"id", [&](const Place& at,
                           const YAML::Node& id) { return read_account_id(account.account, at, id); }},
                {"name", text(account.account_name)},
                {"email", text(account.email)},
                {"keys", [&](const Place&, const YAML::Node& list) -> Status {
                   return listed.reset(list), Status();
                 }}}));
  if (account.account.empty()) return expected(place, node, "expected an id: 12 digits");
  return read_list(place.in("keys"), listed, "{ access_key: ..., secret_key: ... }",
                   [&](const Place& at, const YAML::Node& key) { return read_key(account, keys, at, key); });
}

Status read_auth(Config& config, const Place& place, const YAML::Node& node) {
  std::int64_t skew = config.clock_skew.count();
  TRY(read_map(
      place, node,
      {{"mode", word({"lax", "strict"},
                     [&](std::size_t i) { config.auth = i == 0 ? auth::Mode::kLax : auth::Mode::kStrict; })},
       {"accounts",
        [&](const Place& at, const YAML::Node& list) {
          return read_list(at, list, "{ id: \"111111111111\", name: ..., keys: [...] }",
                           [&](const Place& inner, const YAML::Node& item) {
                             return read_account(config.keys, inner, item);
                           });
        }},
       {"clock_skew_seconds", integer(skew, 0, kMaxSeconds)}}));
  config.clock_skew = std::chrono::seconds(skew);
  return {};
}

/// A path when it looks like one, else a name for PATH.
std::string interpreter(const Place& place, const std::string& name) {
  return name.find('/') == std::string::npos ? name : resolved(place, name).native();
}

Status read_rule(std::vector<jobs::ImageRule>& rules, const Place& place, const YAML::Node& node) {
  jobs::ImageRule rule;
  bool process = false;
  const auto read_process = [&](const Place& at, const YAML::Node& inner) -> Status {
    process = true;
    TRY(read_map(at, inner, {{"python", text(rule.python)}}));
    if (!rule.python.empty()) rule.python = interpreter(place, rule.python);
    return {};
  };
  TRY(read_map(place, node,
               {{"match", text(rule.match)}, {"process", read_process}, {"docker", text(rule.docker)}}));
  if (rule.match.empty())
    return expected(place, node, "expected a match: a pattern such as \"*/my-image:*\"");
  if (process == !rule.docker.empty())
    return expected(place, node, "expected either process: { python: ... } or docker: <image>");
  rules.push_back(std::move(rule));
  return {};
}

Status read_pythons(Config& config, const Place& place, const YAML::Node& node) {
  std::vector<std::string> names;
  TRY(texts(names)(place, node));
  for (const auto& name : names) config.pythons.push_back(interpreter(place, name));
  return {};
}

Status read_seeds(Config& config, const Place& place, const YAML::Node& node) {
  if (node.IsNull()) return {};
  if (!node.IsMap()) return expected(place, node, "expected bucket names and folders");
  for (const auto& entry : node) {
    std::string name, folder;
    TRY(text(name)(place, entry.first));
    TRY(text(folder)(place.in(name), entry.second));
    auto seed = parse_seed_bucket(name + "=" + resolved(place, folder).native());
    if (!seed) return expected(place.in(name), entry.second, seed.error().message());
    config.seed_buckets.push_back(std::move(*seed));
  }
  return {};
}

Status read_file_systems(Config& config, const Place& place, const YAML::Node& node) {
  if (node.IsNull()) return {};
  if (!node.IsMap()) return expected(place, node, "expected file system ids (or \"*\") and folders");
  for (const auto& entry : node) {
    std::string id, folder;
    TRY(text(id)(place, entry.first));
    TRY(text(folder)(place.in(id), entry.second));
    const fs::path path = resolved(place, folder);
    if (std::error_code ignored; !fs::is_directory(path, ignored))
      return expected(place.in(id), entry.second, fmt::format("{} is not a folder", path.native()));
    config.file_systems[id] = path;
  }
  return {};
}

Status read_upstream(Config::Upstream& upstream, const Place& place, const YAML::Node& node) {
  auto limit = static_cast<std::int64_t>(upstream.cache_limit >> 20);
  auto revalidate = static_cast<std::int64_t>(upstream.revalidate_after.count());
  const auto read_url = [&](const Place& at, const YAML::Node& inner) -> Status {
    std::string value;
    TRY(text(value)(at, inner));
    auto url = parse_upstream_url(value);
    if (!url) return expected(at, inner, "expected http://host[:port] or https://host[:port]");
    upstream.url = std::move(*url);
    return {};
  };
  TRY(read_map(place, node,
               {{"url", read_url},
                {"region", text(upstream.region)},
                {"access_key", text(upstream.access_key)},
                {"secret_key", text(upstream.secret_key)},
                {"buckets", texts(upstream.buckets)},
                {"write_through", flag(upstream.write_through)},
                {"cache_limit_mb", integer(limit, 0, 1LL << 40)},
                {"revalidate_seconds", integer(revalidate, 0, kMaxSeconds)}}));
  if (upstream.access_key.empty() != upstream.secret_key.empty())
    return expected(place, node, "expected both access_key and secret_key, or neither");
  upstream.cache_limit = static_cast<std::uint64_t>(limit) << 20;
  upstream.revalidate_after = std::chrono::seconds(revalidate);
  return {};
}

Status read_jobs(Config::Jobs& jobs, const Place& place, const YAML::Node& node) {
  auto grace = static_cast<std::int64_t>(jobs.stop_grace.count());
  auto keep = static_cast<std::int64_t>(jobs.keep_failed.count());
  double interrupt = static_cast<double>(jobs.spot_interrupt_after.count()) / 1000;
  auto spool = static_cast<std::int64_t>(jobs.log_spool_limit >> 20);
  auto memory = static_cast<std::int64_t>(jobs.memory_per_job >> 20);
  TRY(read_map(place, node,
               {{"cores_per_job", number(jobs.cores_per_job, 0)},
                {"memory_per_job_mb", integer(memory, 0, 1 << 30)},
                {"stop_grace_seconds", integer(grace, 0, kMaxSeconds)},
                {"network", word({"private", "loopback"},
                                 [&](std::size_t i) { jobs.network = i == 0 ? "private" : "loopback"; })},
                {"keep_failed_hours", integer(keep, 0, 24 * 3650)},
                {"spot_interrupt_after_seconds", number(interrupt, 0)},
                {"log_spool_limit_mb", integer(spool, 1, 1 << 24)}}));
  jobs.stop_grace = std::chrono::seconds(grace);
  jobs.spot_interrupt_after = std::chrono::milliseconds(std::llround(interrupt * 1000));
  jobs.keep_failed = std::chrono::hours(keep);
  jobs.log_spool_limit = static_cast<std::uint64_t>(spool) << 20;
  jobs.memory_per_job = static_cast<std::uint64_t>(memory) << 20;
  return {};
}

Status read_s3(Config& config, const Place& place, const YAML::Node& node) {
  auto& s3 = config.s3;
  double day = std::chrono::duration<double>(s3.lifecycle_day).count();
  const auto read_notifications = [&](const Place& at, const YAML::Node& inner) -> Status {
    TRY(read_map(at, inner, {{"webhook", text(s3.notifications_webhook)}}));
    if (s3.notifications_webhook.starts_with("http://") || s3.notifications_webhook.starts_with("https://"))
      return {};
    return expected(at.in("webhook"), inner, "expected a URL: http://127.0.0.1:8080/events");
  };
  TRY(read_map(place, node,
               {{"lifecycle_day_seconds", number(day, 0.1)},
                {"notifications", read_notifications},
                {"upstream", [&](const Place& at, const YAML::Node& inner) {
                   return read_upstream(config.upstream, at, inner);
                 }}}));
  s3.lifecycle_day = std::chrono::milliseconds(std::llround(day * 1000));
  return {};
}

Reader into(Config& config, Status (*read)(Config&, const Place&, const YAML::Node&)) {
  return [&config, read](const Place& place, const YAML::Node& node) { return read(config, place, node); };
}

Status read_port(Config& config, const Place& place, const YAML::Node& node) {
  std::int64_t port = 0;
  TRY(integer(port, 0, 65535)(place, node));
  config.port = static_cast<int>(port);
  return {};
}

Status read_advertise(Config& config, const Place& place, const YAML::Node& node) {
  std::string url;
  TRY(text(url)(place, node));
  auto advertise = parse_advertise(url);
  if (!advertise) return expected(place, node, advertise.error().message());
  config.advertise = std::move(*advertise);
  return {};
}

Status read_data(Config& config, const Place& place, const YAML::Node& node) {
  std::string folder;
  TRY(text(folder)(place, node));
  config.data = resolved(place, folder);
  return {};
}

Status read_region(Config& config, const Place& place, const YAML::Node& node) {
  std::string region;
  TRY(text(region)(place, node));
  if (!is_region(region)) return expected(place, node, "expected a region such as us-east-1");
  config.region = std::move(region);
  return {};
}

Status read_images(Config& config, const Place& place, const YAML::Node& node) {
  return read_list(place, node, "{ match: ..., process: ... }", [&](const Place& at, const YAML::Node& item) {
    return read_rule(config.images, at, item);
  });
}

Status read_root(Config& config, const Place& place, const YAML::Node& root) {
  return read_map(
      place, root,
      {{"host", text(config.host)},
       {"port", into(config, read_port)},
       {"advertise", into(config, read_advertise)},
       {"data", into(config, read_data)},
       {"account",
        [&](const Place& at, const YAML::Node& node) { return read_account_id(config.account, at, node); }},
       {"region", into(config, read_region)},
       {"auth", into(config, read_auth)},
       {"allowed_hosts", texts(config.allowed_hosts)},
       {"offline", flag(config.offline)},
       {"seed_buckets", into(config, read_seeds)},
       {"s3", into(config, read_s3)},
       {"file_systems", into(config, read_file_systems)},
       {"images", into(config, read_images)},
       {"pythons", into(config, read_pythons)},
       {"jobs", [&](const Place& at, const YAML::Node& node) { return read_jobs(config.jobs, at, node); }},
       {"placement", word({"local", "slurm"}, [&](std::size_t i) { config.on_slurm = i == 1; })},
       {"slurm", [&](const Place& at, const YAML::Node& node) { return read_slurm(config.slurm, at, node); }},
       {"durability", word({"power", "process", "none"}, [&](std::size_t i) {
          config.durability = static_cast<storage::Durability>(i);
          config.durability_given = true;
        })}});
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

const char* given(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? nullptr : value;
}

}  // namespace

storage::Durability Config::effective_durability() const {
  if (durability_given || !ephemeral) return durability;
  return storage::Durability::kProcess;
}

bool is_account_id(std::string_view text) {
  return text.size() == 12 && std::ranges::all_of(text, is_digit);
}

bool is_region(std::string_view text) {
  return text.size() >= 8 && text.size() <= 40 && is_lower(text[0]) && is_digit(text.back()) &&
         text.find('-') != std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

Status apply_yaml(Config& config, std::string_view yaml, const fs::path& file) {
  const Place place{file, {}};
  try {
    return read_root(config, place, YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& wrong) {  // the library's own way to say that it is not YAML
    const int line = wrong.mark.is_null() ? 1 : wrong.mark.line + 1;
    return Error(ErrorKind::kInvalid, fmt::format("{}:{}: not YAML: {}", file.native(), line, wrong.msg));
  }
}

Status apply_file(Config& config, const fs::path& file) {
  const auto text = read_file(file, 1u << 20);
  if (!text) return Error(ErrorKind::kInvalid, "config: " + text.error().message());
  return apply_yaml(config, *text, file);
}

fs::path default_data_folder() {
  if (const char* data = given("XDG_DATA_HOME")) return fs::path(data) / "sagelet";
  const char* home = given("HOME");
  return fs::path(home == nullptr ? "/var/lib" : home) /
         (home == nullptr ? "sagelet" : ".local/share/sagelet");
}

void choose_python(Config& config) {
  if (!config.pythons.empty()) return;
  if (const char* python = given("SAGELET_PYTHON")) {
    config.pythons.emplace_back(python);
  } else if (const char* environment = given("VIRTUAL_ENV")) {
    config.pythons.push_back((fs::path(environment) / "bin" / "python").native());
  } else {
    config.pythons.emplace_back("python3");
  }
}

Result<std::string> parse_upstream_url(std::string_view text) {
  auto host = text;
  for (const std::string_view scheme : {"http://", "https://"})
    if (host.starts_with(scheme)) host.remove_prefix(scheme.size());
  if (host.ends_with('/')) host.remove_suffix(1);
  if (host.size() == text.size() || host.empty() || host.find_first_of("/?#@ ") != host.npos ||
      !(text.starts_with("http://") || text.starts_with("https://")))
    return Error(ErrorKind::kInvalid, fmt::format("'{}' is not http(s)://host[:port]", text));
  return std::string(text.substr(0, text.find("://") + 3)).append(host);
}

std::string Advertise::url() const {
  if (host.find(':') != std::string::npos) return fmt::format("http://[{}]:{}", host, port);
  return fmt::format("http://{}:{}", host, port);
}

Result<Advertise> parse_advertise(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  const auto wrong = [](std::string why) { return Error(ErrorKind::kInvalid, std::move(why)); };
  auto rest = text;
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (!rest.starts_with(kScheme) || rest.find_first_of("/?#@ ", kScheme.size()) != rest.npos)
    return wrong(fmt::format("'{}' is not http://ADDRESS:PORT", text));
  const auto parts = http::split_authority(rest.substr(kScheme.size()));
  if (!parts || !parts->port) return wrong(fmt::format("'{}' is not http://ADDRESS:PORT", text));
  if (parts->host == "0.0.0.0" || parts->host == "::")
    return wrong(
        fmt::format("{} is no address that nodes can be told: name one of this machine's", parts->host));
  return Advertise{std::string(parts->host), *parts->port};
}

Result<std::pair<std::string, fs::path>> parse_seed_bucket(std::string_view text) {
  const auto equals = text.find('=');
  const auto name = text.substr(0, equals);
  if (equals == std::string_view::npos || name.size() < 3 || name.size() > 63 || text.size() == equals + 1)
    return Error(ErrorKind::kInvalid,
                 fmt::format("'{}' is not NAME=DIR, a bucket's name and a folder", text));
  const fs::path folder = fs::absolute(fs::path(text.substr(equals + 1))).lexically_normal();
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    return Error(ErrorKind::kInvalid, fmt::format("{} is not a folder", folder.native()));
  return std::pair(std::string(name), folder);
}

}  // namespace sagelet
