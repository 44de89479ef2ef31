#pragma once
// A user name and a password in an Authorization or Proxy-Authorization field.
#include <optional>
#include <string>
#include <string_view>

namespace sagelet::http {

struct Basic {
  std::string user, password;
};
/// nullopt when it is not well-formed Basic. The password may have colons.
std::optional<Basic> parse_basic(std::string_view authorization);

}  // namespace sagelet::http
