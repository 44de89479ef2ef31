#include "runner/sandbox/docker/settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "fmt/format.h"

namespace sagelet::runner {
namespace {

using nlohmann::json;

constexpr const char* kServerName = "host.docker.internal";  // the server knows itself by this name
constexpr const char* kBundle = "/run/sagelet/ca-bundle.pem";
constexpr const char* kNobody = "192.0.2.1";
constexpr int kMostProcesses = 65536;
/// What of the server's environment means the same in any container.
constexpr const char* kHandedOn[] = {
    "TZ", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_RETRIES", "SAGELET_JOB_ID"};
constexpr const char* kBundleNames[] = {"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE",
                                        "CURL_CA_BUNDLE"};

std::string handed_on(const JobSpec& spec, std::string_view name) {
  for (const std::string& pair : spec.host_environment)
    if (pair.starts_with(name) && pair.size() > name.size() && pair[name.size()] == '=')
      return pair.substr(name.size() + 1);
  return {};
}

std::string bundle_of(const JobSpec& spec) {
  auto file = handed_on(spec, "AWS_CA_BUNDLE");
  return ::access(file.c_str(), R_OK) == 0 ? file : std::string();
}

json bind_mount(const std::string& from, const std::string& to, bool read_only = false) {
  return {{"Type", "bind"}, {"Source", from}, {"Target", to}, {"ReadOnly", read_only}};
}

json mounts_of(const JobSpec& spec, const Wiring& wiring) {
  json mounts = json::array({bind_mount(spec.folder + "/ml", "/opt/ml")});
  const std::string& checkpoints = spec.checkpoint_path;
  if (!spec.checkpoint_uri.empty() && checkpoints != "/opt/ml" && !checkpoints.starts_with("/opt/ml/"))
    mounts.push_back(bind_mount(spec.folder + "/checkpoints", checkpoints));
  if (!spec.warmpool_cache.empty())
    mounts.push_back(bind_mount(spec.warmpool_cache, "/opt/ml/sagemaker/warmpoolcache"));
  for (const auto& channel : spec.channels)
    if (!channel.file_system_path.empty())
      mounts.push_back(bind_mount(channel.file_system_path, "/opt/ml/input/data/" + channel.name,
                                  channel.file_system_read_only));
  if (const auto bundle = bundle_of(spec); !bundle.empty() && !wiring.server_url.empty())
    mounts.push_back(bind_mount(bundle, kBundle, true));
  return mounts;
}

std::uint64_t shared_memory(const JobSpec& spec) {
  const auto machine = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                       static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto all = spec.memory_limit == 0 ? machine : std::min(machine, spec.memory_limit);
  return std::max<std::uint64_t>(all / 2, 64u << 20);  // the engine's own 64 MiB break data loaders
}

json limits_and_network(const JobSpec& spec, const Wiring& wiring) {
  json host = {{"Mounts", mounts_of(spec, wiring)},    {"NetworkMode", wiring.network},
               {"LogConfig", {{"Type", "json-file"}}}, {"PidsLimit", kMostProcesses},
               {"ShmSize", shared_memory(spec)},       {"ExtraHosts", json::array()}};
  if (spec.memory_limit > 0) host["Memory"] = host["MemorySwap"] = spec.memory_limit;
  if (!spec.cpus.empty()) host["CpusetCpus"] = fmt::format("{}", fmt::join(spec.cpus, ","));
  if (!wiring.gateway.empty()) host["ExtraHosts"].push_back(std::string(kServerName) + ":" + wiring.gateway);
  // Some engines ask the host's own resolver for an isolated container: this one is nowhere (RFC 5737).
  if (wiring.own_network && spec.network_isolation) host["Dns"] = json::array({kNobody});
  if (wiring.network == "none") host["ExtraHosts"].push_back(spec.current_host + ":127.0.0.1");
  if (wiring.gpus)
    host["DeviceRequests"] =
        json::array({{{"Driver", "nvidia"}, {"Count", spec.gpus}, {"Capabilities", {{"gpu"}}}}});
  return host;
}

std::string no_proxy(const JobSpec& spec) {
  return fmt::format("127.0.0.1,localhost,::1,{},{}", kServerName, fmt::join(spec.hosts, ","));
}

}  // namespace

std::string job_label(const std::string& job_id) {
  return "sagelet.job=" + job_id;
}

JobSpec with_image_at_server(JobSpec spec) {
  const auto slash = spec.docker_image.find('/');
  if (!spec.own_registry || slash == std::string::npos) return spec;
  const auto scheme = spec.server_url.find("://");
  const auto host = scheme == std::string::npos ? 0 : scheme + 3;
  spec.docker_image.replace(0, slash, spec.server_url, host, spec.server_url.find('/', host) - host);
  return spec;
}

/// As the server's registry reads it: server/services/registry_login.hpp.
std::optional<client::Login> registry_login(const JobSpec& spec) {
  if (!spec.own_registry) return std::nullopt;
  return client::Login{.user = "AWS", .password = to_base64(spec.access_key + ":" + spec.session_token)};
}

std::string engine_name(const JobSpec& spec, bool of_network) {
  return "sagelet-" + spec.job_id + (of_network ? std::string() : "-" + spec.current_host);
}

std::vector<std::string> container_environment(const JobSpec& spec, const Wiring& wiring) {
  std::map<std::string, std::string> to = {
      {"TRAINING_JOB_NAME", spec.name},
      {"TRAINING_JOB_ARN", spec.arn},
      {"AWS_REGION", spec.region},
      {"AWS_DEFAULT_REGION", spec.region},
      {"AWS_EXECUTION_ENV", "AWS_ECS_EC2"},
      {"AWS_EC2_METADATA_DISABLED", "true"},
      {"DMLC_INTERFACE", "eth0"},
      {"SAGEMAKER_METRICS_DIRECTORY", "/opt/ml/output/metrics/sagemaker"}};
  if (!wiring.gpus) to["NVIDIA_VISIBLE_DEVICES"] = "void";
  if (!spec.warmpool_cache.empty())
    to["SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY"] = "/opt/ml/sagemaker/warmpoolcache";
  for (const char* name : kHandedOn)
    if (auto value = handed_on(spec, name); !value.empty()) to[name] = std::move(value);
  if (!wiring.server_url.empty()) {
    for (const char* name : {"AWS_ENDPOINT_URL", "S3_ENDPOINT_URL", "HTTPS_PROXY", "https_proxy"})
      to[name] = wiring.server_url;
    to["NO_PROXY"] = to["no_proxy"] = no_proxy(spec);
    // As keys: SDKs take credentials from a URI by plain HTTP only where it is a loopback address.
    to["AWS_ACCESS_KEY_ID"] = spec.access_key;
    to["AWS_SECRET_ACCESS_KEY"] = spec.secret_key;
    to["AWS_SESSION_TOKEN"] = spec.session_token;
    if (!bundle_of(spec).empty())
      for (const char* name : kBundleNames) to[name] = kBundle;
  }
  for (const auto& [name, value] : spec.environment) to[name] = value;
  std::vector<std::string> out;
  for (const auto& [name, value] : to) out.push_back(name + "=" + value);
  return out;
}

json container_settings(const JobSpec& spec, const Wiring& wiring) {
  const auto label = job_label(spec.job_id);
  json out = {{"Image", spec.docker_image},
              {"Hostname", spec.current_host},
              {"Env", container_environment(spec, wiring)},
              {"Labels",
               {{"sagelet.job", spec.job_id},
                {"sagelet.host", spec.current_host},
                {"sagelet.account", spec.account},
                {"sagelet.name", spec.name}}},
              {"HostConfig", limits_and_network(spec, wiring)}};
  if (!spec.entrypoint.empty()) out["Entrypoint"] = spec.entrypoint;
  if (!spec.arguments.empty()) out["Cmd"] = spec.arguments;
  if (spec.entrypoint.empty() && spec.arguments.empty()) out["Cmd"] = {"train"};
  if (wiring.own_network)
    out["NetworkingConfig"] = {
        {"EndpointsConfig", {{wiring.network, {{"Aliases", json::array({spec.current_host})}}}}}};
  return out;
}

int shell_code(int code, std::string_view refusal) {
  if (code == 126 || code == 127) return code;
  const auto has = [&](std::string_view words) { return refusal.find(words) != refusal.npos; };
  if (!has("exec: \"")) return 0;
  if (has("no such file or directory") || has("not found")) return 127;
  return has("permission denied") || has("exec format error") ? 126 : 0;
}

}  // namespace sagelet::runner
