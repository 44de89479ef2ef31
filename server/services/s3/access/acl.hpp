#pragma once
// Access control lists: who owns a bucket or an object, and what others were granted. Without state.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/services/s3/access/action.hpp"
#include "server/storage/pairs.hpp"

namespace sagelet::s3 {

/// Grantees that are groups, as ACLs name them.
constexpr std::string_view kAllUsers = "http://acs.amazonaws.com/groups/global/AllUsers";
constexpr std::string_view kAuthenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
constexpr std::string_view kLogDelivery = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// "" is an anonymous caller; no account has that name.
constexpr std::string_view kNoAccount;

struct Grant {
  std::string grantee;  ///< a group's URI, or a canonical user's id
  Permission permission = Permission::kFullControl;

  bool to_group() const;
  /// To everybody, or to everybody with an account.
  bool is_public() const;
  bool operator==(const Grant&) const = default;
};

using Grants = std::vector<Grant>;

/// Do `grants` give `account` (kNoAccount: nobody knows who) the permission? `ignore_public`: grants to
/// groups of everybody count for nothing.
bool grants_allow(const Grants& grants, std::string_view account, Permission permission, bool ignore_public);
bool any_public(const Grants& grants);

std::string pack_grants(const Grants& grants);
Grants unpack_grants(std::string_view bytes);

/// An object's ACL, as it lies in its row's `extras`: what is not said there is the bucket's owner with
/// FULL_CONTROL.
struct ObjectAcl {
  std::string owner;             ///< an account; empty: the bucket's owner
  std::optional<Grants> grants;  ///< none: the owner's FULL_CONTROL

  static ObjectAcl of(std::string_view extras);
  /// `extras` with this in place of its own.
  std::string put_into(std::string_view extras) const;
};

/// Of an unfinished upload: the account that began it, where that is not the bucket's owner. Kept in `extras`
/// beside what becomes the object's.
std::string initiator_of(std::string_view extras);
std::string with_initiator(std::string_view extras, std::string_view account);

}  // namespace sagelet::s3
