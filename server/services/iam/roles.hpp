#pragma once
// Roles: those that were created or changed are records, all others are made up from their name.
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/strong.hpp"
#include "nlohmann/json_fwd.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::iam {

struct Role {
  std::int64_t record = 0;  ///< 0: made up
  std::string account, name, path = "/";
  std::int64_t created_ms = 0;
  std::string trust;  ///< the policy's JSON text
  std::string description;
  std::int64_t max_session_seconds = 3600;
  std::map<std::string, std::string> attached;  ///< policy ARN to name
  std::map<std::string, std::string> inline_policies;
  std::map<std::string, std::string> tags;

  std::string arn() const;
  nlohmann::json describe() const;  ///< the API's Role
};

/// Characters outside [A-Za-z0-9-_.~] as %XX: how IAM shows policy documents.
std::string url_encoded(std::string_view text);
/// What a policy's ARN calls it: the part behind the last slash.
std::string policy_name(std::string_view policy_arn);

/// The record, else the role that every account has under this name.
Result<Role> load(storage::Connection& connection, const AccountId& account, std::string_view name);
/// kAlreadyExists when `role` is new and the name is taken.
Status save(storage::Connection& connection, Role& role, WallTime now);
Status remove(storage::Connection& connection, const Role& role);
/// The recorded ones, newest first.
Result<std::vector<Role>> all(storage::Connection& connection, const AccountId& account);

}  // namespace sagelet::iam
