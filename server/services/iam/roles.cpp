#include "server/services/iam/roles.hpp"

#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/resources/records.hpp"
#include "server/services/role_name.hpp"

namespace sagelet::iam {

using nlohmann::json;
using storage::Connection;

namespace {

constexpr std::string_view kTrust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]})";
constexpr std::string_view kFullAccess = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess";
constexpr std::int64_t kMadeUpSince = 1704067200000;  // 2024-01-01

resources::Scope scope_of(std::string_view account) {
  return {"iam-role", AccountId(std::string(account)), "global"};
}

Role made_up(const AccountId& account, std::string_view name) {
  Role role{.account = account.str(),
            .name = std::string(name),
            .created_ms = kMadeUpSince,
            .trust = std::string(kTrust)};
  // Where SageMaker's console puts them; the SDK looks there too.
  if (name.find("AmazonSageMaker-ExecutionRole") != std::string_view::npos) role.path = "/service-role/";
  role.attached[std::string(kFullAccess)] = "AmazonSageMakerFullAccess";
  return role;
}

std::string kept(const Role& role) {
  return json{{"path", role.path},
              {"trust", role.trust},
              {"description", role.description},
              {"max", role.max_session_seconds},
              {"attached", role.attached},
              {"inline", role.inline_policies},
              {"tags", role.tags}}
      .dump();
}

Role from_record(std::string_view account, const resources::Record& record) {
  const json kept = json::parse(record.hidden);
  return {.record = record.id,
          .account = std::string(account),
          .name = record.name,
          .path = kept.at("path"),
          .created_ms = record.created_ms,
          .trust = kept.at("trust"),
          .description = kept.at("description"),
          .max_session_seconds = kept.at("max"),
          .attached = kept.at("attached"),
          .inline_policies = kept.at("inline"),
          .tags = kept.at("tags")};
}

}  // namespace

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += fmt::format("%{:02X}", c);
    }
  }
  return out;
}

std::string policy_name(std::string_view policy_arn) {
  return std::string(policy_arn.substr(policy_arn.rfind('/') + 1));
}

std::string Role::arn() const {
  return fmt::format("arn:aws:iam::{}:role{}{}", account, path, name);
}

json Role::describe() const {
  json shown{{"Path", path},
             {"RoleName", name},
             {"RoleId", role_id(account, name)},
             {"Arn", arn()},
             {"CreateDate", static_cast<double>(created_ms) / 1000},
             {"AssumeRolePolicyDocument", url_encoded(trust)},
             {"MaxSessionDuration", max_session_seconds}};
  if (!description.empty()) shown["Description"] = description;
  for (const auto& [key, value] : tags) shown["Tags"].push_back({{"Key", key}, {"Value", value}});
  return shown;
}

Result<Role> load(Connection& connection, const AccountId& account, std::string_view name) {
  const auto record = resources::find(connection, scope_of(account.view()), name);
  if (record) return from_record(account.view(), *record);
  if (record.error().is(ErrorKind::kNotFound)) return made_up(account, name);
  return record.error();
}

Status save(Connection& connection, Role& role, WallTime now) {
  resources::Record record{.id = role.record,
                           .name = role.name,
                           .created_ms = role.created_ms,
                           .modified_ms = to_millis(now),
                           .summary = "{}",
                           .hidden = kept(role)};
  if (role.record != 0) return resources::update(connection, record);
  TRY(resources::insert(connection, scope_of(role.account), record));
  role.record = record.id;
  return {};
}

Status remove(Connection& connection, const Role& role) {
  if (role.record == 0) return {};
  return resources::erase(connection, role.record);
}

Result<std::vector<Role>> all(Connection& connection, const AccountId& account) {
  std::vector<Role> roles;
  TRY(resources::each(connection, scope_of(account.view()), [&](resources::Record& record) {
    roles.push_back(from_record(account.view(), record));
    return true;
  }));
  return roles;
}

}  // namespace sagelet::iam
