#pragma once
// Roles as IAM and STS spell them. Any role exists, so what AWS would have stored is derived from its name.
#include <string>
#include <string_view>

#include "base/role_id.hpp"
#include "base/strong.hpp"

namespace sagelet {

/// arn:aws:iam::<account>:role/<path><name> taken apart; empty name: not a role's ARN.
struct RoleName {
  std::string account, path, name;
  static RoleName parse(std::string_view arn);
};

/// arn:aws:sts::<account>:assumed-role/<role>/<session>
std::string assumed_role_arn(std::string_view account, std::string_view role, std::string_view session);
/// The role behind such an ARN; another ARN as it is.
std::string role_behind(std::string_view arn);

}  // namespace sagelet
