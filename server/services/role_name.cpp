#include "server/services/role_name.hpp"

#include "fmt/format.h"

namespace sagelet {

RoleName RoleName::parse(std::string_view arn) {
  const auto service = arn.find(":iam::");
  if (!arn.starts_with("arn:") || service == std::string_view::npos) return {};
  const auto account = arn.substr(service + 6);
  const auto role = account.find(":role/");
  if (role == std::string_view::npos) return {};
  const auto path = account.substr(role + 5);  // from the slash
  const auto slash = path.rfind('/');
  return {.account = std::string(account.substr(0, role)),
          .path = std::string(path.substr(0, slash + 1)),
          .name = std::string(path.substr(slash + 1))};
}

std::string assumed_role_arn(std::string_view account, std::string_view role, std::string_view session) {
  return fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", account, role, session);
}

std::string role_behind(std::string_view arn) {
  constexpr std::string_view kKind = ":assumed-role/";
  const auto service = arn.find(":sts::"), kind = arn.find(kKind);
  if (service == std::string_view::npos || kind == std::string_view::npos) return std::string(arn);
  const auto account = service + 6, name = kind + kKind.size();
  return fmt::format("arn:aws:iam::{}:role/{}", arn.substr(account, kind - account),
                     arn.substr(name, arn.find('/', name) - name));
}

}  // namespace sagelet
