#pragma once
// The names of container images: registries, repositories, tags, digests, and image URIs made of them.
#include <optional>
#include <string>
#include <string_view>

#include "base/strong.hpp"

namespace sagelet::images {

/// "sha256:" and 64 lower-case hex digits. Names bytes: blobs and manifests.
using ContentDigest = Strong<struct ContentDigestTag>;

/// nullopt for anything that is not a whole SHA-256 digest.
std::optional<ContentDigest> parse_digest(std::string_view text);
ContentDigest digest_of(std::string_view bytes);
/// From the 32 raw bytes of a SHA-256.
ContentDigest digest_from_raw(std::string_view raw);

/// One account's images of one region. Repository names are unique within it.
struct Registry {
  std::string account, region;
  bool operator==(const Registry&) const = default;
  /// 111122223333.dkr.ecr.eu-west-1.amazonaws.com
  std::string host() const;
};
/// From a name of AWS's registries (either partition, FIPS too); a trailing port is ignored.
std::optional<Registry> registry_of_host(std::string_view host);

/// 1 to 255 characters: lower-case words joined by '.', '_', '__' or dashes, in one or more path parts.
bool is_repository_name(std::string_view name);
bool is_tag(std::string_view text);

/// A tag or a digest; exactly one of them, unless it is empty altogether.
struct Reference {
  std::string tag;
  ContentDigest digest;
  bool operator==(const Reference&) const = default;
  std::string text() const { return digest.empty() ? tag : digest.str(); }
};
std::optional<Reference> parse_reference(std::string_view text);

/// `<registry host>/<repository>[:tag][@digest]`; the tag is "latest" when neither is given, and a digest
/// wins.
struct ImageUri {
  Registry registry;
  std::string repository;
  Reference reference;
};
/// nullopt for images of other registries.
std::optional<ImageUri> parse_image_uri(std::string_view uri);

}  // namespace sagelet::images
