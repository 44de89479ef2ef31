#pragma once
// The user name and password of `docker login`: ECR's GetAuthorizationToken makes them, the registry reads
// them.
#include <optional>
#include <string>
#include <string_view>

#include "server/services/ports.hpp"

namespace sagelet {

constexpr std::string_view kRegistryUser = "AWS";

/// A password that names session credentials; nothing of their secret is in it.
std::string registry_password(const SessionCredentials& credentials);

/// An Authorization field taken apart. Access key and token are empty when the password is none of ours.
struct RegistryLogin {
  std::string user, access_key, token;
};
/// nullopt when it is not well-formed Basic.
std::optional<RegistryLogin> parse_registry_login(std::string_view authorization);

}  // namespace sagelet
