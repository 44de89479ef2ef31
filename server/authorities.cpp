#include "server/authorities.hpp"

#include <mutex>
#include <string>

#include "base/authorities.hpp"
#include "base/fs.hpp"
#include "server/net/server.hpp"

namespace sagelet {

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
