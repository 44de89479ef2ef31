#include "server/services/s3/names.hpp"

#include <algorithm>
#include <array>

#include "base/digest.hpp"
#include "server/services/s3/errors.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::array<bool, 256> kKeptInUrls = [] {
  std::array<bool, 256> kept{};
  for (const char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~*/"))
    kept[static_cast<unsigned char>(c)] = true;
  return kept;
}();

bool lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool like_an_address(std::string_view name) {
  const auto digits_or_dots =
      std::all_of(name.begin(), name.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
  return digits_or_dots && std::count(name.begin(), name.end(), '.') == 3;
}

bool reserved(std::string_view name) {
  for (const std::string_view prefix : {"xn--", "sthree-"})
    if (name.starts_with(prefix)) return true;
  for (const std::string_view suffix : {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"})
    if (name.ends_with(suffix)) return true;
  return false;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// How many bytes the UTF-8 sequence at the front takes; 0 when it is none.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((at(i) & 0xc0) != 0x80) return 0;
  const bool overlong = (lead == 0xe0 && at(1) < 0xa0) || (lead == 0xf0 && at(1) < 0x90);
  const bool surrogate = lead == 0xed && at(1) >= 0xa0;
  const bool too_high = lead == 0xf4 && at(1) >= 0x90;
  return overlong || surrogate || too_high ? 0 : length;
}

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool climbs_out(std::string_view key) {
  int depth = 0;
  for (std::size_t from = 0; from <= key.size();) {
    const auto end = std::min(key.find('/', from), key.size());
    const auto segment = key.substr(from, end - from);
    if (segment == "..") {
      if (--depth < 0) return true;
    } else if (segment != ".") {
      ++depth;
    }
    from = end + 1;
  }
  return false;
}

}  // namespace

bool valid_bucket_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63 || like_an_address(name) || reserved(name)) return false;
  if (!lower_or_digit(name.front()) || !lower_or_digit(name.back())) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!lower_or_digit(name[i]) && name[i] != '-' && name[i] != '.') return false;
    if (name[i] == '.' && (name[i + 1] == '.' || name[i + 1] == '-' || name[i - 1] == '-')) return false;
  }
  return true;
}

Reply<void> check_key(std::string_view key) {
  if (key.size() > kMostKeyBytes) return errors::key_too_long(key.size());
  if (!valid_utf8(key) || climbs_out(key)) return errors::invalid_uri(key);
  return {};
}

std::optional<std::string> url_decoded(std::string_view text, bool plus_is_space) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      plain.push_back(' ');
    } else if (text[i] != '%') {
      plain.push_back(text[i]);
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      plain.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return plain;
}

std::string url_encoded(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t start = at;
    while (at < text.size() && kKeptInUrls[static_cast<unsigned char>(text[at])]) ++at;
    encoded.append(text.substr(start, at - start));
    if (at == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[at]);
    encoded.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
  return encoded;
}

std::optional<ObjectName> parse_copy_source(std::string_view source) {
  ObjectName name;
  constexpr std::string_view kVersion = "?versionId=";
  if (const auto at = source.find(kVersion); at != std::string_view::npos) {
    name.version = source.substr(at + kVersion.size());
    source = source.substr(0, at);
  }
  if (source.starts_with('/')) source.remove_prefix(1);
  const auto plain = url_decoded(source, true);  // as AWS: a plus that is meant comes as %2B
  if (!plain) return std::nullopt;
  const std::string_view whole = std::string_view(*plain).substr(plain->starts_with('/') ? 1 : 0);
  const auto slash = whole.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == whole.size()) return std::nullopt;
  name.bucket = whole.substr(0, slash);
  name.key = whole.substr(slash + 1);
  return name;
}

std::string_view stored_version(std::string_view asked) {
  return asked == kNullVersion ? std::string_view() : asked;
}

std::string_view shown_version(std::string_view stored) {
  return stored.empty() ? kNullVersion : stored;
}

std::string canonical_user(std::string_view account) {
  return to_hex(Digest::of(DigestKind::kSha256, "canonical user of " + std::string(account)));
}

std::string quoted_etag(std::string_view etag) {
  std::string text;
  text.reserve(etag.size() + 2);
  return text.append("\"").append(etag).append("\"");
}

std::string_view unquoted(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return etag;
}

std::string to_token(std::string_view position) {
  auto token = to_base64(std::string("1") + std::string(position));
  std::replace(token.begin(), token.end(), '+', '-');
  std::replace(token.begin(), token.end(), '/', '_');
  return token;
}

std::optional<std::string> from_token(std::string_view token) {
  std::string text(token);
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  std::string plain;
  if (!from_base64(text, plain) || !plain.starts_with('1')) return std::nullopt;
  return plain.substr(1);
}

}  // namespace sagelet::s3
