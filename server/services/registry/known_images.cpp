#include "server/services/registry/known_images.hpp"

#include "fmt/format.h"

namespace sagelet::registry {

namespace {

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
        fmt::format("{}/{}/{}@{}", authority(), named->registry.host(), named->repository, known.digest);
    return known;
  }

 private:
  /// host:port of the server's URL.
  std::string authority() const {
    const std::string url = server_url_();
    return url.substr(url.find("://") + 3);
  }

  Registry& registry_;
  std::function<std::string()> server_url_;
};

}  // namespace

std::unique_ptr<ImagesView> make_known_images(Registry& registry, std::function<std::string()> server_url) {
  return std::make_unique<KnownImages>(registry, std::move(server_url));
}

}  // namespace sagelet::registry
