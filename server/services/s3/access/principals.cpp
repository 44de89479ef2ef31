#include "server/services/s3/access/principals.hpp"

#include <algorithm>

#include "nlohmann/json.hpp"
#include "server/services/s3/errors.hpp"
#include "server/services/s3/names.hpp"

namespace sagelet::s3 {

namespace {

bool all_of_set(std::string_view text, std::string_view set) {
  return !text.empty() && text.find_first_not_of(set) == text.npos;
}

bool is_account(std::string_view text) {
  return text.size() == 12 && all_of_set(text, "0123456789");
}

bool contains(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

/// {partition, service, account, resource} of an ARN of IAM or STS; empty strings when it is none.
struct Arn {
  std::string_view service, account, resource;

  explicit Arn(std::string_view text) {
    std::string_view pieces[6];
    for (std::size_t i = 0; i < 6; ++i) {
      const auto end = i == 5 ? text.npos : text.find(':');
      pieces[i] = text.substr(0, end);
      if (end == text.npos && i < 5) return;
      if (i < 5) text.remove_prefix(end + 1);
    }
    if (pieces[0] != "arn" || !pieces[1].starts_with("aws") || !pieces[3].empty()) return;
    service = pieces[2];
    account = pieces[4];
    resource = pieces[5];
  }
};

bool is_principal(const Arn& arn) {
  // AWS knows every account; here any name may be one
  if (arn.account.empty() || arn.account.find_first_of("*?") != arn.account.npos) return false;
  if (arn.resource.find_first_of("*?") != arn.resource.npos) return false;
  const auto starts = [&](std::string_view kind) {
    return arn.resource.starts_with(kind) && arn.resource.size() > kind.size();
  };
  if (arn.service == "iam") return arn.resource == "root" || starts("user/") || starts("role/");
  return arn.service == "sts" && (starts("assumed-role/") || starts("federated-user/"));
}

/// Is the session `caller` one of the role? A role's path is not in its sessions' ARNs.
bool session_of_role(std::string_view role_text, std::string_view caller_text) {
  const Arn role(role_text), caller(caller_text);
  constexpr std::string_view kRole = "role/", kSession = "assumed-role/";
  if (role.service != "iam" || !role.resource.starts_with(kRole)) return false;
  if (caller.service != "sts" || !caller.resource.starts_with(kSession)) return false;
  if (role.account != caller.account) return false;
  const auto name = role.resource.substr(role.resource.rfind('/') + 1);
  const auto session = caller.resource.substr(kSession.size());
  return session.substr(0, session.find('/')) == name;
}

}  // namespace

Reply<Principals> Principals::parse(const Document& value) {
  Principals made;
  if (value.is_string()) {
    if (value != "*") return errors::malformed_policy("Invalid policy syntax.");
    made.everybody_ = true;
    return made;
  }
  if (!value.is_object() || value.empty()) return errors::malformed_policy("Invalid policy syntax.");
  for (const auto& [kind, names] : value.items()) {
    if (!names.is_array()) {
      TRY(made.add(kind, names));
      continue;
    }
    if (names.empty()) return errors::malformed_policy("Invalid principal in policy");
    for (const auto& name : names) TRY(made.add(kind, name));
  }
  return made;
}

Reply<void> Principals::add(std::string_view kind, const Document& name) {
  if (!name.is_string()) return errors::malformed_policy("Invalid policy syntax.");
  const auto& text = name.get_ref<const std::string&>();
  if (kind == "AWS") return add_aws(text);
  if (kind == "CanonicalUser") {
    if (text.size() != 64 || !all_of_set(text, "0123456789abcdef"))
      return errors::malformed_policy("Invalid principal in policy");
    canonical_users_.push_back(text);
    return {};
  }
  if (kind == "Service" || kind == "Federated") return {};  // nobody who calls here is one
  return errors::malformed_policy("Invalid policy syntax.");
}

Reply<void> Principals::add_aws(std::string_view name) {
  const Arn arn(name);
  if (name == "*")
    everybody_ = true;
  else if (is_account(name))
    accounts_.emplace_back(name);
  else if (!is_principal(arn))
    return errors::malformed_policy("Invalid principal in policy");
  else if (arn.resource == "root")
    accounts_.emplace_back(arn.account);
  else
    arns_.emplace_back(name);
  return {};
}

bool Principals::match(const Caller& caller) const {
  if (everybody_) return true;
  if (caller.anonymous) return false;
  if (contains(accounts_, caller.account) || contains(arns_, caller.arn)) return true;
  if (!canonical_users_.empty() && contains(canonical_users_, canonical_user(caller.account))) return true;
  return std::any_of(arns_.begin(), arns_.end(),
                     [&](const std::string& arn) { return session_of_role(arn, caller.arn); });
}

}  // namespace sagelet::s3
