#include "base/authorities.hpp"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/fs.hpp"

namespace sagelet {

namespace {

using Environment = std::map<std::string, std::string>;

constexpr auto kSystem = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                          "/etc/ssl/cert.pem"};
constexpr auto kVariables = {"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"};

std::string value_of(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

bool is_readable(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), R_OK) == 0;
}

std::optional<fs::path> certifi_under(const fs::path& prefix) {
  std::error_code failed;
  for (auto entry = fs::directory_iterator(prefix / "lib", failed);
       !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
    if (!entry->path().filename().native().starts_with("python3")) continue;
    for (const char* folder : {"site-packages", "dist-packages"})
      if (const auto file = entry->path() / folder / "certifi/cacert.pem"; is_readable(file)) return file;
  }
  return std::nullopt;
}

/// Of the active virtual environment, else of the first python3 on PATH.
std::optional<fs::path> certifi(const Environment& base) {
  if (const auto active = value_of(base, "VIRTUAL_ENV"); !active.empty())
    if (auto found = certifi_under(active)) return found;
  std::string_view path = base.contains("PATH") ? std::string_view(base.at("PATH")) : std::string_view();
  while (!path.empty()) {
    const auto colon = path.find(':');
    const auto folder = fs::path(path.substr(0, colon));
    if (::access((folder / "python3").c_str(), X_OK) == 0) return certifi_under(folder.parent_path());
    path.remove_prefix(colon == std::string_view::npos ? path.size() : colon + 1);
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> authority_files(const Environment& base) {
  std::vector<std::string> files;
  for (const char* name : kVariables) {
    const auto file = value_of(base, name);
    if (is_readable(file) && std::ranges::find(files, file) == files.end()) files.push_back(file);
  }
  if (!files.empty()) return files;
  if (const auto found = certifi(base)) return {found->native()};
  for (const char* file : kSystem)
    if (is_readable(file)) return {file};
  return files;
}

std::string bundle_text(const Environment& base, std::string_view ours) {
  std::string bundle;
  for (const auto& file : authority_files(base)) {
    const auto text = read_file(file);
    if (!text || bundle.find(*text) != std::string::npos) continue;
    bundle += *text;
    if (!bundle.ends_with('\n')) bundle += '\n';
  }
  if (bundle.find(ours) == std::string::npos) bundle += ours;
  return bundle;
}

}  // namespace sagelet
