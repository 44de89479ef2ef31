#include "server/services/registry/known_images.hpp"

#include <chrono>

#include "fmt/format.h"
#include "server/services/registry_login.hpp"

namespace sagelet::registry {

namespace {

constexpr std::chrono::hours kLoginLife{1};

class KnownImages final : public ImagesView {
 public:
  KnownImages(Registry& registry, std::function<std::string()> server_url)
      : registry_(registry), server_url_(std::move(server_url)) {}

  Result<KnownImage> known_image(std::string_view uri) override {
    const auto named = images::parse_image_uri(uri);
    if (!named) return Error(ErrorKind::kNotFound, fmt::format("{} is no image of a registry of ours", uri));
    const auto row = registry_.store().manifest({named->registry, named->repository}, named->reference);
    if (!row) {
      const bool internal = row.error().why == images::Why::kInternal;
      return Error(internal ? ErrorKind::kIo : ErrorKind::kNotFound, row.error().message);
    }
    KnownImage known;
    known.digest = row->digest.str();
    known.pull_reference =
        fmt::format("{}/{}{}@{}", authority(), prefix(named->registry), named->repository, known.digest);
    if (registry_.options().strict) TRY(add_login(named->registry, known));
    return known;
  }

 private:
  /// host:port of the server's URL.
  std::string authority() const {
    const std::string url = server_url_();
    return url.substr(url.find("://") + 3);
  }

  /// The default registry's names are as the user pushes them: 127.0.0.1:4577/name.
  std::string prefix(const images::Registry& registry) const {
    const auto& options = registry_.options();
    if (registry.account == options.account && registry.region == options.region) return {};
    return registry.host() + "/";
  }

  Status add_login(const images::Registry& registry, KnownImage& known) {
    const auto credentials = registry_.credentials().make(
        AccountId(registry.account), fmt::format("arn:aws:iam::{}:role/Sagelet", registry.account), "jobs",
        "", registry_.clock().now() + kLoginLife);
    TRY(registry_.credentials().keep(credentials).wait());
    known.user = kRegistryUser;
    known.password = registry_password(credentials);
    return {};
  }

  Registry& registry_;
  std::function<std::string()> server_url_;
};

}  // namespace

std::unique_ptr<ImagesView> make_known_images(Registry& registry, std::function<std::string()> server_url) {
  return std::make_unique<KnownImages>(registry, std::move(server_url));
}

}  // namespace sagelet::registry
