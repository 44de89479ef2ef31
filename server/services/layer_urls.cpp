#include "server/services/layer_urls.hpp"

#include <charconv>

#include "base/digest.hpp"
#include "fmt/format.h"
#include "server/http/uri.hpp"

namespace sagelet {

namespace {

constexpr std::chrono::hours kLife{1};
constexpr std::string_view kSignature = "signature", kExpires = "expires";

/// Milliseconds since 1970; 0 for what is no number.
std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

}  // namespace

std::string LayerUrls::sign(const images::Place& place, std::string_view digest) const {
  const std::string expires = std::to_string(to_millis(clock_.now() + kLife));
  return fmt::format("{}={}&{}={}", kExpires, expires, kSignature, signature(place, digest, expires));
}

bool LayerUrls::claims(std::string_view query) {
  return http::has_query(query, kSignature);
}

bool LayerUrls::is_good(const images::Place& place, std::string_view digest, std::string_view query) const {
  const std::string expires = http::query_value(query, kExpires).value_or("");
  return equal_constant_time(http::query_value(query, kSignature).value_or(""),
                             signature(place, digest, expires)) &&
         to_millis(clock_.now()) < number(expires);
}

std::string LayerUrls::signature(const images::Place& place, std::string_view digest,
                                 std::string_view expires) const {
  return to_hex(hmac_sha256(
      key_, fmt::format("{}\n{}\n{}\n{}", expires, place.registry.host(), place.repository, digest)));
}

}  // namespace sagelet
