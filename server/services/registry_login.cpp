#include "server/services/registry_login.hpp"

#include "base/digest.hpp"
#include "server/http/basic.hpp"

namespace sagelet {

std::string registry_password(const SessionCredentials& credentials) {
  return to_base64(credentials.access_key + ":" + credentials.session_token);
}

std::optional<RegistryLogin> parse_registry_login(std::string_view authorization) {
  auto basic = http::parse_basic(authorization);
  if (!basic) return std::nullopt;
  RegistryLogin login{std::move(basic->user), {}, {}};
  std::string named;
  if (!from_base64(basic->password, named)) return login;
  const auto middle = named.find(':');
  if (middle == std::string::npos) return login;
  login.access_key = named.substr(0, middle);
  login.token = named.substr(middle + 1);
  return login;
}

}  // namespace sagelet
