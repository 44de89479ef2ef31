#include "server/images/names.hpp"

#include <algorithm>

#include "base/digest.hpp"

namespace sagelet::images {

namespace {

constexpr std::string_view kSha256 = "sha256:";
constexpr std::size_t kLongestName = 255, kLongestTag = 128, kLongestRegion = 32;

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

/// Between two words of a path part: one '.', one or two '_', any number of '-'.
bool is_separator(std::string_view text) {
  return text == "." || text == "_" || text == "__" || text.find_first_not_of('-') == std::string_view::npos;
}

bool is_path_part(std::string_view part) {
  if (part.empty() || !is_lower_or_digit(part.front()) || !is_lower_or_digit(part.back())) return false;
  for (std::size_t i = 0; i < part.size();) {
    if (is_lower_or_digit(part[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (!is_lower_or_digit(part[end])) ++end;  // the last character is one
    if (!is_separator(part.substr(i, end - i))) return false;
    i = end;
  }
  return true;
}

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= kLongestRegion && is_lower_or_digit(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

}  // namespace

std::optional<ContentDigest> parse_digest(std::string_view text) {
  if (!text.starts_with(kSha256)) return std::nullopt;
  const auto hex = text.substr(kSha256.size());
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  if (hex.size() != 64 || !std::ranges::all_of(hex, is_hex)) return std::nullopt;
  return ContentDigest(std::string(text));
}

ContentDigest digest_of(std::string_view bytes) {
  return digest_from_raw(Digest::of(DigestKind::kSha256, bytes));
}

ContentDigest digest_from_raw(std::string_view raw) {
  return ContentDigest(std::string(kSha256) + to_hex(raw));
}

std::string Registry::host() const {
  return account + ".dkr.ecr." + region +
         (region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
}

std::optional<Registry> registry_of_host(std::string_view host) {
  host = host.substr(0, host.find(':'));
  if (!take_suffix(host, ".amazonaws.com") && !take_suffix(host, ".amazonaws.com.cn")) return std::nullopt;
  if (host.size() < 12 || !std::ranges::all_of(host.substr(0, 12), is_digit)) return std::nullopt;
  const std::string_view account = host.substr(0, 12);
  host.remove_prefix(12);
  for (const std::string_view middle : {".dkr.ecr.", ".dkr.ecr-fips."})
    if (host.starts_with(middle) && is_region(host.substr(middle.size())))
      return Registry{std::string(account), std::string(host.substr(middle.size()))};
  return std::nullopt;
}

bool is_repository_name(std::string_view name) {
  if (name.size() > kLongestName) return false;
  while (true) {
    const auto slash = name.find('/');
    if (!is_path_part(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

bool is_tag(std::string_view text) {
  const auto is_inner = [](char c) { return is_word(c) || c == '.' || c == '-'; };
  return !text.empty() && text.size() <= kLongestTag && is_word(text.front()) &&
         std::ranges::all_of(text, is_inner);
}

std::optional<Reference> parse_reference(std::string_view text) {
  if (auto digest = parse_digest(text)) return Reference{{}, std::move(*digest)};
  if (is_tag(text)) return Reference{std::string(text), {}};
  return std::nullopt;
}

std::optional<ImageUri> parse_image_uri(std::string_view uri) {
  const auto slash = uri.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto registry = registry_of_host(uri.substr(0, slash));
  if (!registry) return std::nullopt;
  uri.remove_prefix(slash + 1);
  ImageUri out{std::move(*registry), {}, {"latest", {}}};
  if (const auto at = uri.find('@'); at != std::string_view::npos) {
    auto digest = parse_digest(uri.substr(at + 1));
    if (!digest) return std::nullopt;
    out.reference = {{}, std::move(*digest)};
    uri = uri.substr(0, at);
  }
  if (const auto colon = uri.find(':'); colon != std::string_view::npos) {
    if (!is_tag(uri.substr(colon + 1))) return std::nullopt;
    if (out.reference.digest.empty()) out.reference.tag = uri.substr(colon + 1);
    uri = uri.substr(0, colon);
  }
  out.repository = uri;
  if (!is_repository_name(out.repository)) return std::nullopt;
  return out;
}

}  // namespace sagelet::images
