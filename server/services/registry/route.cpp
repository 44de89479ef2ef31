#include "server/services/registry/route.hpp"

#include <charconv>
#include <utility>

#include "server/http/uri.hpp"

namespace sagelet::registry {

namespace {

/// Cuts the last part of a path off: "a/b/c" gives "c" and leaves "a/b".
std::string_view take_last(std::string_view& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return std::exchange(path, {});
  const auto last = path.substr(slash + 1);
  path = path.substr(0, slash);
  return last;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

std::optional<Route> in_repository(What what, std::string_view repository, std::string_view name) {
  if (repository.empty()) return std::nullopt;
  return Route{what, http::decode(repository), http::decode(name)};
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

/// Read from the end, for the repository's name has slashes itself.
std::optional<Route> parse_route(std::string_view path) {
  if (path == "/v2" || path == "/v2/") return Route{};
  if (!path.starts_with("/v2/")) return std::nullopt;
  path.remove_prefix(4);
  if (path == "_catalog") return Route{What::kCatalog, {}, {}};
  if (take_suffix(path, "/tags/list")) return in_repository(What::kTags, path, {});
  if (take_suffix(path, "/blobs/uploads/") || take_suffix(path, "/blobs/uploads"))
    return in_repository(What::kUploads, path, {});
  const auto name = take_last(path);
  if (name.empty()) return std::nullopt;
  if (take_suffix(path, "/manifests")) return in_repository(What::kManifest, path, name);
  if (take_suffix(path, "/blobs/uploads")) return in_repository(What::kUpload, path, name);
  if (take_suffix(path, "/blobs")) return in_repository(What::kBlob, path, name);
  if (take_suffix(path, "/referrers")) return in_repository(What::kReferrers, path, name);
  return std::nullopt;
}

std::optional<ChunkRange> parse_chunk_range(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = number(text.substr(0, dash)), last = number(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return ChunkRange{*first, *last};
}

std::optional<std::size_t> parse_page_size(std::string_view text) {
  const auto value = number(text);
  if (!value) return std::nullopt;
  return static_cast<std::size_t>(*value);
}

}  // namespace sagelet::registry
