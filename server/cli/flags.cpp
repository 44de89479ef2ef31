#include "server/cli/flags.hpp"

#include "fmt/format.h"

namespace sagelet::cli {

namespace {

constexpr auto kOwnFile = "sagelet.yaml";

Error wrong(std::string_view option, std::string_view value, std::string_view wanted) {
  return Error(ErrorKind::kInvalid, fmt::format("{} {}: expected {}", option, value, wanted));
}

Status read_config_file(const ServeFlags& flags, Config& config) {
  std::error_code ignored;
  if (!flags.config.empty()) return apply_file(config, flags.config);
  if (std::filesystem::is_regular_file(kOwnFile, ignored)) return apply_file(config, kOwnFile);
  return {};
}

Status apply_identity(const ServeFlags& flags, Config& config) {
  if (flags.account && !is_account_id(*flags.account)) return wrong("--account", *flags.account, "12 digits");
  if (flags.region && !is_region(*flags.region))
    return wrong("--region", *flags.region, "a region such as us-east-1");
  config.account = flags.account.value_or(config.account);
  config.region = flags.region.value_or(config.region);
  if (flags.auth) config.auth = *flags.auth == "strict" ? auth::Mode::kStrict : auth::Mode::kLax;
  return {};
}

/// A folder that somebody named is not thrown away: --data and --ephemeral do not go together.
Status apply_places(const ServeFlags& flags, Config& config) {
  if (flags.data && flags.ephemeral)
    return Error(ErrorKind::kInvalid, "--ephemeral throws its data away, --data keeps it: give one of them");
  config.ephemeral = flags.ephemeral;
  if (flags.ephemeral) config.data.clear();
  if (flags.data) config.data = std::filesystem::absolute(*flags.data).lexically_normal();
  if (!flags.ephemeral && config.data.empty()) config.data = default_data_folder();
  if (!flags.ready_file.empty()) config.ready_file = std::filesystem::absolute(flags.ready_file);
  for (const auto& text : flags.seed_buckets) {
    auto seed = parse_seed_bucket(text);
    if (!seed) return std::move(seed).error().context("--seed-bucket");
    config.seed_buckets.push_back(std::move(*seed));
  }
  return {};
}

}  // namespace

Result<Config> make_config(const ServeFlags& flags) {
  Config config;
  TRY(read_config_file(flags, config));
  config.host = flags.host.value_or(config.host);
  config.port = flags.port.value_or(config.port);
  if (config.port < 0 || config.port > 65535)
    return wrong("--port", std::to_string(config.port), "0 to 65535");
  if (flags.advertise) {
    auto advertise = parse_advertise(*flags.advertise);
    if (!advertise) return std::move(advertise).error().context("--advertise");
    config.advertise = std::move(*advertise);
  }
  config.offline = config.offline || flags.offline;
  if (flags.s3_upstream) {
    auto url = parse_upstream_url(*flags.s3_upstream);
    if (!url) return std::move(url).error().context("--s3-upstream");
    config.upstream.url = std::move(*url);
  }
  TRY(apply_identity(flags, config));
  TRY(apply_places(flags, config));
  choose_python(config);
  return config;
}

}  // namespace sagelet::cli
