#include "server/services/registry_login.hpp"

#include "base/digest.hpp"
#include "server/http/headers.hpp"

namespace sagelet {

std::string registry_password(const SessionCredentials& credentials) {
  return to_base64(credentials.access_key + ":" + credentials.session_token);
}

std::optional<RegistryLogin> parse_registry_login(std::string_view authorization) {
  const auto space = authorization.find(' ');
  if (space == std::string_view::npos || !http::same_name(authorization.substr(0, space), "basic"))
    return std::nullopt;
  std::string decoded;
  if (!from_base64(authorization.substr(space + 1), decoded)) return std::nullopt;
  const auto colon = decoded.find(':');
  if (colon == std::string::npos) return std::nullopt;
  RegistryLogin login{decoded.substr(0, colon), {}, {}};
  std::string named;
  if (!from_base64(std::string_view(decoded).substr(colon + 1), named)) return login;
  const auto middle = named.find(':');
  if (middle == std::string::npos) return login;
  login.access_key = named.substr(0, middle);
  login.token = named.substr(middle + 1);
  return login;
}

}  // namespace sagelet
