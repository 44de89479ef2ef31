#pragma once
// Which part of the OCI distribution API a path means, and the small texts that come with it.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sagelet::registry {

enum class What { kRoot, kCatalog, kTags, kManifest, kBlob, kUploads, kUpload, kReferrers };

struct Route {
  What what = What::kRoot;
  std::string repository;
  std::string name;  ///< tag or digest, upload id; decoded
};

/// nullopt: no such part. The repository and the name are as they came: nobody has judged them.
std::optional<Route> parse_route(std::string_view path);

/// "0-99" of a PATCH's Content-Range, both ends included.
struct ChunkRange {
  std::uint64_t first = 0, last = 0;
};
std::optional<ChunkRange> parse_chunk_range(std::string_view text);

/// A page's size; nullopt when it is no number.
std::optional<std::size_t> parse_page_size(std::string_view text);

}  // namespace sagelet::registry
