#include "server/http/basic.hpp"

#include "base/digest.hpp"
#include "server/http/headers.hpp"

namespace sagelet::http {

std::optional<Basic> parse_basic(std::string_view authorization) {
  const auto space = authorization.find(' ');
  if (space == std::string_view::npos || !same_name(authorization.substr(0, space), "basic"))
    return std::nullopt;
  std::string decoded;
  if (!from_base64(authorization.substr(space + 1), decoded)) return std::nullopt;
  const auto colon = decoded.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Basic{decoded.substr(0, colon), decoded.substr(colon + 1)};
}

}  // namespace sagelet::http
