#pragma once
// The rules of access without state: what is known of a call goes in, yes or no comes out.
#include <optional>
#include <string_view>

#include "server/services/s3/access/bucket_rules.hpp"
#include "server/services/s3/access/verdict.hpp"

namespace sagelet::s3 {

struct Question {
  const Action& action;
  std::string_view account;       ///< of the caller; kNoAccount when nobody signed
  std::string_view bucket_owner;  ///< an account
  const BucketRules& rules;
  Verdict policy = Verdict::kSilent;
  bool policy_is_public = false;
  std::optional<ObjectAcl> object = std::nullopt;  ///< of the object at hand, if the action is on one
};

/// The policy's deny, its allow, the owners, the grants; in this order, and each within what the public
/// access block leaves of it.
bool judge(const Question& question);

}  // namespace sagelet::s3
