#include "server/services/s3/access/judge.hpp"

namespace sagelet::s3 {

namespace {

/// The account that owns the object, or would own a new one.
std::string_view object_owner(const Question& question) {
  const bool foreign = question.object && !question.object->owner.empty() && question.rules.acls();
  return foreign ? std::string_view(question.object->owner) : question.bucket_owner;
}

/// A bucket's owner can always take its policy away, whatever that says.
bool rescues_bucket(const Question& question) {
  const auto name = question.action.name;
  return question.account == question.bucket_owner &&
         (name == action::kGetBucketPolicy.name || name == action::kPutBucketPolicy.name ||
          name == action::kDeleteBucketPolicy.name);
}

/// A policy speaks for its bucket's owner: it cannot give away what belongs to another account.
bool policy_allows(const Question& question) {
  if (question.policy != Verdict::kAllow) return false;
  if (object_owner(question) != question.bucket_owner) return false;
  const bool closed = question.rules.block.restrict_public_buckets && question.policy_is_public;
  return !closed || question.account == question.bucket_owner;
}

/// What ACLs are about is the object owner's to do, the rest the bucket owner's too.
bool owner_allows(const Question& question) {
  if (question.account == kNoAccount) return false;
  const bool owns_bucket = question.account == question.bucket_owner;
  if (!question.action.of_object || question.action.by == GrantedBy::kBucket) return owns_bucket;
  if (question.account == object_owner(question)) return true;
  return owns_bucket && question.action.by == GrantedBy::kNobody;
}

bool grants_allow(const Question& question) {
  if (!question.rules.acls()) return false;
  const std::optional<Grants>* grants = nullptr;
  if (question.action.by == GrantedBy::kBucket) grants = &question.rules.grants;
  if (question.action.by == GrantedBy::kObject && question.object) grants = &question.object->grants;
  return grants != nullptr && *grants &&
         s3::grants_allow(**grants, question.account, question.action.permission,
                          question.rules.block.ignore_public_acls);
}

}  // namespace

bool judge(const Question& question) {
  if (question.policy == Verdict::kDeny && !rescues_bucket(question)) return false;
  return policy_allows(question) || owner_allows(question) || grants_allow(question);
}

}  // namespace sagelet::s3
