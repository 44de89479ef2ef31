#include "server/job_environment.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

namespace sagelet {

namespace {

constexpr std::array<std::string_view, 3> kHandedOnPrefixes{"PIP_", "UV_", "CONDA_"};
constexpr std::array<std::string_view, 8> kHandedOn{
    "HOME", "LANG", "LC_ALL", "TZ", "XDG_CONFIG_HOME", "TMPDIR", "LD_LIBRARY_PATH", "OPENBLAS_CORETYPE"};

bool handed_on(std::string_view entry) {
  for (const auto prefix : kHandedOnPrefixes)
    if (entry.starts_with(prefix)) return true;
  const auto name = entry.substr(0, entry.find('='));
  for (const auto wanted : kHandedOn)
    if (name == wanted) return true;
  return false;
}

}  // namespace

std::vector<std::string> job_environment(const std::string& server_url, const std::filesystem::path& bundle,
                                         bool offline) {
  std::vector<std::string> out;
  for (char** entry = environ; entry && *entry; ++entry)
    if (handed_on(*entry)) out.emplace_back(*entry);
  if (offline && std::getenv("PIP_RETRIES") == nullptr) out.push_back("PIP_RETRIES=0");
  for (const char* name : {"HTTPS_PROXY", "https_proxy"}) out.push_back(std::string(name) + "=" + server_url);
  for (const char* name : {"NO_PROXY", "no_proxy"})
    out.push_back(std::string(name) + "=127.0.0.1,localhost,::1");
  for (const char* name : {"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"})
    out.push_back(std::string(name) + "=" + bundle.string());
  return out;
}

}  // namespace sagelet
