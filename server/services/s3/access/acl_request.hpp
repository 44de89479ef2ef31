#pragma once
// What a request asks of an ACL (canned, x-amz-grant-* headers, an AccessControlPolicy) and how answers show
// one.
#include <optional>
#include <string>
#include <string_view>

#include "server/services/s3/access/accounts.hpp"
#include "server/services/s3/access/bucket_rules.hpp"
#include "server/services/s3/errors.hpp"

namespace sagelet::s3 {

/// Who owns what the ACL is of. Accounts, not canonical users.
struct Owners {
  std::string_view own;     ///< of the bucket or object itself
  std::string_view bucket;  ///< of the bucket it lies in
};

/// Does the request say anything about an ACL in its headers?
bool asks_for_acl(const Document& params);

/// The grants that the headers ask for; nothing when they ask for none. InvalidArgument,
/// UnresolvableGrantByEmailAddress, InvalidRequest for canned and single grants at once.
Reply<std::optional<Grants>> grants_from_headers(const Document& params, const Owners& owners,
                                                 const Accounts& accounts);
/// The same or, when the headers ask for none, those of the body's AccessControlPolicy. MalformedACLError
/// without both; AccessDenied when the body names another owner.
Reply<Grants> grants_of_put(const Document& params, const Owners& owners, const Accounts& accounts);

/// The ACL of an object that `account` puts into the bucket. AccessControlListNotSupported where ACLs are
/// off, AccessDenied where the public access block forbids it.
Reply<ObjectAcl> acl_of_new_object(const Document& params, std::string_view account,
                                   std::string_view bucket_owner, const BucketRules& rules,
                                   const Accounts& accounts);

/// What a new bucket of `owner` asks for: its ownership and ACL. InvalidBucketAclWithObjectOwnership for an
/// ACL that gives to others where ACLs stay off.
Reply<BucketRules> rules_of_new_bucket(const Document& params, std::string_view owner,
                                       const Accounts& accounts);

/// None for what goes without saying: the owner's FULL_CONTROL.
std::optional<Grants> unless_plain(Grants grants, std::string_view owner);

/// {"ID": ..., "DisplayName": ...}
Document shown_user(User user);
/// Owner and Grants.
void show_acl(Document& fields, std::string_view owner, const std::optional<Grants>& grants,
              const Accounts& accounts);

}  // namespace sagelet::s3
