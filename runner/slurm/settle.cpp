#include "runner/slurm/settle.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

#include "base/authorities.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "fmt/format.h"
#include "runner/job.hpp"

extern char** environ;

namespace sagelet::runner {
namespace {

using Strings = std::vector<std::string>;

/// Of the server's machine, or of the shell that it was started from.
constexpr std::array<std::string_view, 6> kOfTheServer{"HOME",   "XDG_CONFIG_HOME", "LD_LIBRARY_PATH",
                                                       "TMPDIR", "SAGELET_NETWORK", "OPENBLAS_CORETYPE"};
constexpr std::array<std::string_view, 4> kBundles{"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE",
                                                   "CURL_CA_BUNDLE"};
constexpr std::array<std::string_view, 2> kProxies{"HTTPS_PROXY", "https_proxy"};

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::ranges::find(names, name) != names.end();
}

/// The proxy takes the job's own credentials, as any of the server's doors does.
std::string proxy_of(const JobSpec& spec) {
  const auto slashes = spec.server_url.find("//");
  if (slashes == std::string::npos) return spec.server_url;
  return fmt::format("{}{}:{}@{}", spec.server_url.substr(0, slashes + 2), spec.access_key,
                     spec.session_token, spec.server_url.substr(slashes + 2));
}

/// Nothing for what means nothing here.
std::string translated(const JobSpec& spec, std::string_view pair) {
  const auto name = pair.substr(0, pair.find('='));
  const std::string value(pair.substr(std::min(pair.size(), name.size() + 1)));
  if (is_one_of(name, kBundles)) return fmt::format("{}={}", name, bundle_of_node(spec));
  if (is_one_of(name, kProxies)) return fmt::format("{}={}", name, proxy_of(spec));
  if (is_one_of(name, kOfTheServer) || name.starts_with("CONDA_")) return {};
  if (value.starts_with('/') && ::access(value.c_str(), F_OK) != 0) return {};
  return std::string(pair);
}

/// A folder beside those of jobs, that later jobs of this user find again. One that somebody else could write
/// to is not used.
std::string shared_cache(const std::string& beside) {
  const std::string folder = fmt::format("{}/sagelet-pip-cache-{}", beside, ::geteuid());
  struct stat about;
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return {};
  const bool ours = ::lstat(folder.c_str(), &about) == 0 && S_ISDIR(about.st_mode) &&
                    about.st_uid == ::geteuid() && (about.st_mode & 022) == 0;
  return ours ? folder : std::string();
}

std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> out;
  for (char** pair = environ; pair && *pair; ++pair) {
    const std::string text = *pair;
    if (const auto equals = text.find('='); equals != text.npos)
      out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

}  // namespace

std::string bundle_of_node(const JobSpec& spec) {
  return spec.folder + "/ca-bundle.pem";
}

std::vector<std::string> settle(JobSpec& spec, const std::string& job_folder) {
  Strings notes;
  for (std::string& pair : spec.host_environment) pair = translated(spec, pair);
  std::erase(spec.host_environment, std::string());
  if (!spec.pip_cache.empty()) {
    spec.pip_cache = shared_cache(fs::path(job_folder).parent_path().string());
    if (spec.pip_cache.empty()) spec.pip_cache = spec.folder + "/pip-cache";
  }
  if (!spec.warmpool_cache.empty()) {
    spec.warmpool_cache = spec.folder + "/warmpool";
    notes.push_back("[sagelet] a job on Slurm keeps nothing for a warm pool: its cache folder starts empty");
  }
  if (spec.python.find('/') != std::string::npos && ::access(spec.python.c_str(), X_OK) != 0) {
    notes.push_back(
        fmt::format("[sagelet] {} is not on this node: python3 on its PATH runs instead (slurm: "
                    "python: in sagelet.yaml names another)",
                    spec.python));
    spec.python = "python3";
  }
  return notes;
}

Status can_run_on_node(const JobSpec& spec) {
  if (spec.sandbox == "docker")
    return Error(
        ErrorKind::kUnavailable,
        fmt::format("nodes of a Slurm cluster run no containers, and the image {} needs one. Map it to "
                    "an interpreter by images: in sagelet.yaml, or run it with placement: local",
                    spec.image));
  if (spec.network_isolation && spec.hosts.size() > 1)
    return Error(
        ErrorKind::kUnavailable,
        "the hosts of a job on Slurm share the network of their nodes, so several instances cannot be "
        "isolated. Set InstanceCount to 1 or EnableNetworkIsolation to false");
  return {};
}

void leave_node(const JobSpec& spec, const std::string& folder) {
  if (const Status gone = remove_tree(folder); !gone) log::warn("{}", gone.error().message());
  std::error_code none;
  const fs::path program = fs::read_symlink("/proc/self/exe", none);
  if (program.filename() != "sagelet-runner-" + spec.job_id) return;
  fs::remove(program, none);
  fs::remove(program.string() + ".whole", none);  // by which the batch script knew that it had come
}

Status fetch_authorities(Job& job) {
  if (!job.spec.on_node()) return {};
  client::Http http;
  const client::Request request{.method = "GET", .url = job.server.url + "/_sagelet/authority"};
  auto answer = send(http, job.server, &job.stop, request, "");
  if (!answer) return answer.error();
  if (answer->status != 200) {
    job.say(fmt::format("[sagelet] the server does not tell its authority ({}): HTTPS to AWS's names fails",
                        answer->status));
    answer->body.clear();
  }
  return write_file(bundle_of_node(job.spec), bundle_text(own_environment(), answer->body));
}

}  // namespace sagelet::runner
