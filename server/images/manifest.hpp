#pragma once
// What a manifest says: the blobs of an image, or the manifests of an index. Docker's schema 2 and OCI's.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "server/images/names.hpp"

namespace sagelet::images {

constexpr std::size_t kLargestManifest = 4u << 20;

struct Descriptor {
  std::string media_type;
  ContentDigest digest;
  std::uint64_t size = 0;
  bool elsewhere = false;  ///< a layer that is fetched from a URL of its own: it is not in the registry
};

struct Manifest {
  std::string media_type;
  std::string artifact_type;  ///< as given, else an image's config media type
  bool is_index = false;
  std::optional<Descriptor> config;
  std::vector<Descriptor> layers;     ///< of an image
  std::vector<Descriptor> manifests;  ///< of an index
  std::optional<ContentDigest> subject;
  std::string annotations;  ///< a JSON object, or empty

  /// Blobs that the registry must have.
  std::vector<ContentDigest> blobs() const;
  /// Of config and layers together: what ECR calls the image's size.
  std::uint64_t image_size() const;
};

/// `media_type` is the request's (empty: the manifest's own counts). kInvalid says what is wrong.
Result<Manifest> parse_manifest(std::string_view bytes, std::string_view media_type);

}  // namespace sagelet::images
