#include "server/authorities.hpp"

#include <cstdlib>
#include <mutex>
#include <string>

#include "base/fs.hpp"
#include "server/net/server.hpp"

namespace sagelet {

namespace {

/// The first readable file of authorities: the SDKs' own settings, then the system's places.
std::string authorities_in_force(const fs::path& ours) {
  for (const char* name : {"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"}) {
    const char* path = std::getenv(name);
    if (!path || !*path || fs::path(path).parent_path() == ours) continue;
    if (auto text = read_file(path)) return *text;
  }
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"})
    if (auto text = read_file(path)) return *text;
  return {};
}

}  // namespace

Result<std::filesystem::path> write_bundle(const std::filesystem::path& authority) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  const fs::path bundle = authority / "bundle.pem";
  if (fs::exists(bundle)) return bundle;
  TRY(const std::string ours, net::ensure_authority(authority));
  std::string all = authorities_in_force(authority);
  if (!all.empty() && !all.ends_with('\n')) all += '\n';
  TRY(write_file(bundle, all + ours));
  return bundle;
}

}  // namespace sagelet
