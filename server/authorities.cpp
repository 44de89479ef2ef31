#include "server/authorities.hpp"

#include <unistd.h>

#include <map>
#include <mutex>
#include <string>

#include "base/authorities.hpp"
#include "base/fs.hpp"
#include "server/net/server.hpp"

namespace sagelet {

namespace {

std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string text = *entry;
    if (const auto equals = text.find('='); equals != text.npos)
      out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

}  // namespace

Result<std::filesystem::path> write_bundle(const std::filesystem::path& authority) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  const fs::path bundle = authority / "bundle.pem";
  if (fs::exists(bundle)) return bundle;
  TRY(const std::string ours, net::ensure_authority(authority));
  TRY(write_file(bundle, bundle_text(own_environment(), ours)));
  return bundle;
}

}  // namespace sagelet
