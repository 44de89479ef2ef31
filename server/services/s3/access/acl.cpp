#include "server/services/s3/access/acl.hpp"

#include <algorithm>

#include "server/services/s3/names.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::string_view kOwner = "owner";
constexpr std::string_view kGrants = "grants";
constexpr std::string_view kInitiator = "initiator";

storage::Pairs without(std::string_view extras, std::initializer_list<std::string_view> names) {
  storage::Pairs pairs;
  for (auto& pair : storage::unpack(extras))
    if (std::find(names.begin(), names.end(), pair.first) == names.end()) pairs.push_back(std::move(pair));
  return pairs;
}

std::string packed_or_empty(const storage::Pairs& pairs) {
  return pairs.empty() ? std::string() : storage::pack(pairs);
}

}  // namespace

bool Grant::to_group() const {
  return grantee.starts_with("http://");
}

bool Grant::is_public() const {
  return grantee == kAllUsers || grantee == kAuthenticatedUsers;
}

bool grants_allow(const Grants& grants, std::string_view account, Permission permission, bool ignore_public) {
  const bool anonymous = account == kNoAccount;
  const auto user = anonymous ? std::string() : canonical_user(account);
  return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) {
    const auto given = static_cast<std::uint8_t>(grant.permission);
    if ((given & static_cast<std::uint8_t>(permission)) != static_cast<std::uint8_t>(permission))
      return false;
    if (grant.is_public()) return !ignore_public && (grant.grantee == kAllUsers || !anonymous);
    return !anonymous && grant.grantee == user;
  });
}

bool any_public(const Grants& grants) {
  return std::any_of(grants.begin(), grants.end(), [](const Grant& grant) { return grant.is_public(); });
}

std::string pack_grants(const Grants& grants) {
  std::string packed;
  for (const auto& grant : grants) {
    storage::put_number(packed, static_cast<std::uint64_t>(grant.permission));
    storage::put_bytes(packed, grant.grantee);
  }
  return packed;
}

Grants unpack_grants(std::string_view bytes) {
  Grants grants;
  while (!bytes.empty()) {
    const auto permission = storage::take_number(bytes);
    const auto grantee = permission ? storage::take_bytes(bytes) : std::nullopt;
    if (!grantee) break;
    grants.push_back({std::string(*grantee), static_cast<Permission>(*permission & 15)});
  }
  return grants;
}

ObjectAcl ObjectAcl::of(std::string_view extras) {
  ObjectAcl acl;
  if (extras.empty()) return acl;
  for (auto& [name, value] : storage::unpack(extras)) {
    if (name == kOwner) acl.owner = std::move(value);
    if (name == kGrants) acl.grants = unpack_grants(value);
  }
  return acl;
}

std::string ObjectAcl::put_into(std::string_view extras) const {
  if (extras.empty() && owner.empty() && !grants) return {};
  auto pairs = without(extras, {kOwner, kGrants});
  if (!owner.empty()) pairs.emplace_back(kOwner, owner);
  if (grants) pairs.emplace_back(kGrants, pack_grants(*grants));
  return packed_or_empty(pairs);
}

std::string initiator_of(std::string_view extras) {
  if (extras.empty()) return {};
  return std::string(storage::find(storage::unpack(extras), kInitiator));
}

std::string with_initiator(std::string_view extras, std::string_view account) {
  auto pairs = without(extras, {kInitiator});
  if (!account.empty()) pairs.emplace_back(kInitiator, account);
  return packed_or_empty(pairs);
}

}  // namespace sagelet::s3
