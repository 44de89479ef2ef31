#include "server/services/s3/access/acl_request.hpp"

#include <algorithm>
#include <array>

#include "base/fs.hpp"
#include "nlohmann/json.hpp"
#include "server/services/s3/names.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::size_t kMostGrants = 100;
/// Amazon EC2's canonical user, the one that aws-exec-read is about.
constexpr std::string_view kEc2 = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c";

struct PermissionName {
  std::string_view name, header;
  Permission permission;
};
constexpr std::array<PermissionName, 5> kPermissions = {
    {{"FULL_CONTROL", "GrantFullControl", Permission::kFullControl},
     {"READ", "GrantRead", Permission::kRead},
     {"READ_ACP", "GrantReadACP", Permission::kReadAcp},
     {"WRITE", "GrantWrite", Permission::kWrite},
     {"WRITE_ACP", "GrantWriteACP", Permission::kWriteAcp}}};

std::string_view name_of(Permission permission) {
  for (const auto& one : kPermissions)
    if (one.permission == permission) return one.name;
  return "FULL_CONTROL";
}

std::string text_of(const Document& params, std::string_view member) {
  const auto found = params.find(member);
  return found != params.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Reply<Grants> canned(const std::string& name, const Owners& owners) {
  Grants grants;
  if (name == "public-read" || name == "public-read-write")
    grants.push_back({std::string(kAllUsers), Permission::kRead});
  if (name == "public-read-write") grants.push_back({std::string(kAllUsers), Permission::kWrite});
  if (name == "authenticated-read") grants.push_back({std::string(kAuthenticatedUsers), Permission::kRead});
  if (name == "aws-exec-read") grants.push_back({std::string(kEc2), Permission::kRead});
  if (name == "log-delivery-write") {
    grants.push_back({std::string(kLogDelivery), Permission::kWrite});
    grants.push_back({std::string(kLogDelivery), Permission::kReadAcp});
  }
  const bool to_bucket_owner = name == "bucket-owner-read" || name == "bucket-owner-full-control";
  if (to_bucket_owner && owners.own != owners.bucket)
    grants.push_back({canonical_user(owners.bucket),
                      name == "bucket-owner-read" ? Permission::kRead : Permission::kFullControl});
  if (grants.empty() && !to_bucket_owner && name != "private")
    return errors::invalid_argument("Invalid canned ACL", "x-amz-acl", name);
  grants.push_back({canonical_user(owners.own), Permission::kFullControl});
  return grants;
}

Reply<std::string> user_with_id(const std::string& id, const Accounts& accounts) {
  if (!accounts.knows_user(id) && id != kEc2)
    return errors::invalid_argument("Invalid id", "CanonicalUser/ID", id);
  return id;
}

Reply<std::string> group_with_uri(const std::string& uri) {
  if (uri != kAllUsers && uri != kAuthenticatedUsers && uri != kLogDelivery)
    return errors::invalid_argument("Invalid group uri", "Group/URI", uri);
  return uri;
}

Reply<std::string> user_with_email(const std::string& email, const Accounts& accounts) {
  auto user = accounts.user_of_email(email);
  if (!user) return errors::unresolvable_email(email);
  return std::move(*user);
}

std::string_view without_quotes(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

/// id="...", uri="...", emailAddress="..." with commas between them.
Reply<void> add_header_grants(Grants& to, std::string_view header, Permission permission,
                              const Accounts& accounts) {
  while (!header.empty()) {
    const auto end = std::min(header.find(','), header.size());
    const auto one = trimmed(header.substr(0, end));
    header.remove_prefix(std::min(end + 1, header.size()));
    const auto equals = one.find('=');
    const auto kind = one.substr(0, equals);
    if (equals == std::string_view::npos || (kind != "id" && kind != "uri" && kind != "emailAddress"))
      return errors::invalid_argument("Argument format not recognized", "x-amz-grant", one);
    const std::string value(without_quotes(one.substr(equals + 1)));
    TRY(auto grantee, kind == "id"    ? user_with_id(value, accounts)
                      : kind == "uri" ? group_with_uri(value)
                                      : user_with_email(value, accounts));
    to.push_back({std::move(grantee), permission});
  }
  return {};
}

Reply<std::string> grantee_from(const Document& grantee, const Accounts& accounts) {
  const auto type = text_of(grantee, "Type");
  if (type == "CanonicalUser" || (type.empty() && grantee.contains("ID")))
    return user_with_id(text_of(grantee, "ID"), accounts);
  if (type == "Group" || (type.empty() && grantee.contains("URI")))
    return group_with_uri(text_of(grantee, "URI"));
  if (type == "AmazonCustomerByEmail" || (type.empty() && grantee.contains("EmailAddress")))
    return user_with_email(text_of(grantee, "EmailAddress"), accounts);
  return errors::malformed_acl();
}

Reply<Grants> grants_from_body(const Document& policy, const Owners& owners, const Accounts& accounts) {
  const auto owner = policy.find("Owner");
  if (owner == policy.end()) return errors::malformed_acl();
  if (text_of(*owner, "ID") != canonical_user(owners.own)) return errors::access_denied();
  Grants grants;
  const auto given = policy.find("Grants");
  if (given == policy.end()) return grants;
  if (given->size() > kMostGrants) return errors::malformed_acl();
  for (const auto& one : *given) {
    const auto name = text_of(one, "Permission");
    const auto* known = std::find_if(kPermissions.begin(), kPermissions.end(),
                                     [&](const PermissionName& each) { return each.name == name; });
    if (known == kPermissions.end() || !one.contains("Grantee")) return errors::malformed_acl();
    TRY(auto grantee, grantee_from(one.at("Grantee"), accounts));
    grants.push_back({std::move(grantee), known->permission});
  }
  return grants;
}

Document shown_grantee(const Grant& grant, const Accounts& accounts) {
  if (grant.to_group()) return {{"Type", "Group"}, {"URI", grant.grantee}};
  Document shown{{"Type", "CanonicalUser"}, {"ID", grant.grantee}};
  if (const auto name = accounts.name_of_user(grant.grantee); !name.empty()) shown["DisplayName"] = name;
  return shown;
}

/// What may be said where ACLs are off: that the bucket's owner has everything.
bool only_owner(const Grants& grants, std::string_view owner) {
  return grants == Grants{{canonical_user(owner), Permission::kFullControl}};
}

}  // namespace

bool asks_for_acl(const Document& params) {
  return params.contains("ACL") ||
         std::any_of(kPermissions.begin(), kPermissions.end(),
                     [&](const PermissionName& one) { return params.contains(one.header); });
}

Reply<std::optional<Grants>> grants_from_headers(const Document& params, const Owners& owners,
                                                 const Accounts& accounts) {
  Grants grants;
  bool single = false;
  for (const auto& one : kPermissions) {
    if (!params.contains(one.header)) continue;
    single = true;
    TRY(add_header_grants(grants, text_of(params, one.header), one.permission, accounts));
  }
  const bool with_canned = params.contains("ACL");
  if (single && with_canned)
    return errors::invalid_request("Specifying both Canned ACLs and Header Grants is not allowed");
  if (with_canned) {
    TRY(grants, canned(text_of(params, "ACL"), owners));
  } else if (!single) {
    return std::optional<Grants>();
  }
  return std::optional(std::move(grants));
}

Reply<Grants> grants_of_put(const Document& params, const Owners& owners, const Accounts& accounts) {
  const auto body = params.find("AccessControlPolicy");
  const bool with_body = body != params.end() && !body->empty();
  if (asks_for_acl(params) && with_body) return errors::unexpected_content();
  if (with_body) return grants_from_body(*body, owners, accounts);
  TRY(auto grants, grants_from_headers(params, owners, accounts));
  if (!grants) return errors::missing_acl();
  return std::move(*grants);
}

Reply<ObjectAcl> acl_of_new_object(const Document& params, std::string_view account,
                                   std::string_view bucket_owner, const BucketRules& rules,
                                   const Accounts& accounts) {
  ObjectAcl acl;
  const bool foreign = account != bucket_owner && account != kNoAccount;
  const bool to_bucket_owner = text_of(params, "ACL") == "bucket-owner-full-control";
  const bool given_away = rules.ownership == Ownership::kBucketOwnerPreferred && to_bucket_owner;
  if (foreign && rules.acls() && !given_away) acl.owner = account;
  const auto owner = acl.owner.empty() ? bucket_owner : std::string_view(acl.owner);
  TRY(auto grants, grants_from_headers(params, {owner, bucket_owner}, accounts));
  if (!grants) return acl;
  if (!rules.acls()) {
    const bool harmless = !params.contains("ACL") ? only_owner(*grants, bucket_owner) : to_bucket_owner;
    if (!harmless) return errors::acls_are_off();
    return acl;
  }
  if (rules.block.block_public_acls && any_public(*grants)) return errors::access_denied();
  acl.grants = unless_plain(std::move(*grants), owner);
  return acl;
}

std::optional<Grants> unless_plain(Grants grants, std::string_view owner) {
  if (only_owner(grants, owner)) return std::nullopt;
  return grants;
}

Document shown_user(User user) {
  Document shown{{"ID", std::move(user.id)}};
  if (!user.name.empty()) shown["DisplayName"] = std::move(user.name);
  return shown;
}

void show_acl(Document& fields, std::string_view owner, const std::optional<Grants>& grants,
              const Accounts& accounts) {
  fields["Owner"] = shown_user(accounts.user_of(owner));
  auto& shown = fields["Grants"] = Document::array();
  const Grants plain{{canonical_user(owner), Permission::kFullControl}};
  for (const bool groups : {true, false})  // in an order of its own, as a canned ACL has it
    for (const auto& grant : grants ? *grants : plain)
      if (grant.to_group() == groups)
        shown.push_back(
            {{"Grantee", shown_grantee(grant, accounts)}, {"Permission", name_of(grant.permission)}});
}

}  // namespace sagelet::s3
