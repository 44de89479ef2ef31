#include "server/services/s3/access/judge.hpp"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/services/s3/names.hpp"

namespace sagelet::s3 {
namespace {

constexpr const char* kOwner = "111111111111";
constexpr const char* kWriter = "222222222222";
constexpr const char* kOther = "333333333333";
constexpr const char* kNobody = "";

Grant grant(std::string_view account, Permission permission) {
  return {canonical_user(account), permission};
}
Grant to(std::string_view group, Permission permission) {
  return {std::string(group), permission};
}

/// A bucket of kOwner's that takes ACLs, with an object that kWriter put there.
struct World {
  BucketRules rules;
  Verdict policy = Verdict::kSilent;
  bool policy_is_public = false;
  std::optional<ObjectAcl> object;

  World() {
    rules.ownership = Ownership::kObjectWriter;
    object.emplace().owner = kWriter;
  }
  bool lets(std::string_view account, const Action& action) const {
    const bool with_object = action.of_object && action.by != GrantedBy::kBucket;
    return judge(
        {action, account, kOwner, rules, policy, policy_is_public, with_object ? object : std::nullopt});
  }
  /// Which of owner, writer, other and nobody: "owner writer".
  std::string who(const Action& action) const {
    std::string names;
    for (const auto& [account, name] :
         {std::pair{kOwner, "owner"}, {kWriter, "writer"}, {kOther, "other"}, {kNobody, "nobody"}})
      if (lets(account, action)) names += (names.empty() ? "" : " ") + std::string(name);
    return names;
  }
};

struct Row {
  const char* what;
  Grants bucket, object;
  const Action& action;
  const char* allowed;
};

TEST(Judge, AnswersByCallerGrantAndCall) {
  using enum Permission;
  const std::vector<Row> table = {
      {"nothing granted", {}, {}, action::kListBucket, "owner"},
      {"nothing granted", {}, {}, action::kPutObject, "owner"},
      {"nothing granted", {}, {}, action::kGetObject, "writer"},
      {"nothing granted", {}, {}, action::kGetObjectAcl, "writer"},
      {"nothing granted", {}, {}, action::kGetObjectTagging, "owner writer"},
      {"nothing granted", {}, {}, action::kDeleteObject, "owner"},
      {"nothing granted", {}, {}, action::kPutBucketPolicy, "owner"},
      {"bucket READ to other", {grant(kOther, kRead)}, {}, action::kListBucket, "owner other"},
      {"bucket READ to other", {grant(kOther, kRead)}, {}, action::kListBucketVersions, "owner other"},
      {"bucket READ to other", {grant(kOther, kRead)}, {}, action::kGetObject, "writer"},
      {"bucket READ to other", {grant(kOther, kRead)}, {}, action::kPutObject, "owner"},
      {"bucket READ to other", {grant(kOther, kRead)}, {}, action::kGetBucketAcl, "owner"},
      {"bucket WRITE to other", {grant(kOther, kWrite)}, {}, action::kPutObject, "owner other"},
      {"bucket WRITE to other", {grant(kOther, kWrite)}, {}, action::kDeleteObject, "owner other"},
      {"bucket WRITE to other", {grant(kOther, kWrite)}, {}, action::kListBucket, "owner"},
      {"bucket READ_ACP to other", {grant(kOther, kReadAcp)}, {}, action::kGetBucketAcl, "owner other"},
      {"bucket WRITE_ACP to other", {grant(kOther, kWriteAcp)}, {}, action::kPutBucketAcl, "owner other"},
      {"bucket WRITE_ACP to other", {grant(kOther, kWriteAcp)}, {}, action::kGetBucketAcl, "owner"},
      {"bucket FULL_CONTROL to other", {grant(kOther, kFullControl)}, {}, action::kListBucket, "owner other"},
      {"bucket FULL_CONTROL to other", {grant(kOther, kFullControl)}, {}, action::kDeleteBucket, "owner"},
      {"bucket public", {to(kAllUsers, kRead)}, {}, action::kListBucket, "owner writer other nobody"},
      {"bucket public", {to(kAllUsers, kRead)}, {}, action::kGetObject, "writer"},
      {"bucket to accounts", {to(kAuthenticatedUsers, kRead)}, {}, action::kListBucket, "owner writer other"},
      {"bucket to log delivery", {to(kLogDelivery, kWrite)}, {}, action::kPutObject, "owner"},
      {"object READ to owner", {}, {grant(kOwner, kRead)}, action::kGetObject, "owner writer"},
      {"object READ to other", {}, {grant(kOther, kRead)}, action::kGetObject, "writer other"},
      {"object READ to other", {}, {grant(kOther, kRead)}, action::kGetObjectAcl, "writer"},
      {"object WRITE to other", {}, {grant(kOther, kWrite)}, action::kPutObject, "owner"},
      {"object WRITE_ACP to other", {}, {grant(kOther, kWriteAcp)}, action::kPutObjectAcl, "writer other"},
      {"object public", {}, {to(kAllUsers, kRead)}, action::kGetObject, "owner writer other nobody"},
      {"object to accounts", {}, {to(kAuthenticatedUsers, kRead)}, action::kGetObject, "owner writer other"},
      {"object FULL_CONTROL to other",
       {},
       {grant(kOther, kFullControl)},
       action::kPutObjectAcl,
       "writer other"},
      {"object FULL_CONTROL to other",
       {},
       {grant(kOther, kFullControl)},
       action::kPutObjectTagging,
       "owner writer"},
  };
  for (const auto& row : table) {
    World world;
    world.rules.grants = row.bucket;
    world.object->grants = row.object;
    EXPECT_EQ(world.who(row.action), row.allowed) << row.what << ": " << row.action.name;
  }
}

TEST(Judge, WriteDoesNotGiveTheDeletionOfANamedVersion) {
  World world;
  world.object.reset();
  world.rules.grants = Grants{grant(kOther, Permission::kFullControl)};
  EXPECT_EQ(world.who(action::kDeleteObjectVersion), "owner");
}

TEST(Judge, WithAclsOffTheBucketsOwnerOwnsAllAndGrantsCountForNothing) {
  World world;
  world.rules.grants = Grants{to(kAllUsers, Permission::kFullControl)};
  world.object->grants = Grants{to(kAllUsers, Permission::kFullControl)};
  EXPECT_EQ(world.who(action::kGetObject), "owner writer other nobody");
  world.rules.ownership = Ownership::kBucketOwnerEnforced;
  EXPECT_EQ(world.who(action::kGetObject), "owner");
  EXPECT_EQ(world.who(action::kPutObject), "owner");
}

TEST(Judge, IgnoresGrantsToEverybodyWhenTheBlockSaysSo) {
  World world;
  world.rules.block.ignore_public_acls = true;
  world.object->grants = Grants{to(kAllUsers, Permission::kRead), grant(kOther, Permission::kRead)};
  world.rules.grants = Grants{to(kAuthenticatedUsers, Permission::kRead)};
  EXPECT_EQ(world.who(action::kGetObject), "writer other");
  EXPECT_EQ(world.who(action::kListBucket), "owner");
}

TEST(Judge, APolicyThatDeniesIsStrongerThanOwnersAndGrants) {
  World world;
  world.policy = Verdict::kDeny;
  world.object->grants = Grants{to(kAllUsers, Permission::kRead)};
  EXPECT_EQ(world.who(action::kGetObject), "");
  EXPECT_EQ(world.who(action::kListBucket), "");
  // or nobody could take it away
  EXPECT_EQ(world.who(action::kPutBucketPolicy), "owner");
  EXPECT_EQ(world.who(action::kDeleteBucketPolicy), "owner");
}

TEST(Judge, APolicyGivesAwayWhatItsBucketsOwnerOwns) {
  World world;
  world.policy = Verdict::kAllow;
  EXPECT_EQ(world.who(action::kPutObject), "owner writer other nobody");
  EXPECT_EQ(world.who(action::kGetObject), "writer");
  world.object->owner.clear();
  EXPECT_EQ(world.who(action::kGetObject), "owner writer other nobody");
}

TEST(Judge, APublicPolicyOpensNothingToOthersInARestrictedBucket) {
  World world;
  world.object->owner.clear();
  world.policy = Verdict::kAllow;
  world.rules.block.restrict_public_buckets = true;
  EXPECT_EQ(world.who(action::kGetObject), "owner writer other nobody");
  world.policy_is_public = true;
  EXPECT_EQ(world.who(action::kGetObject), "owner");
}

TEST(ObjectAclInExtras, IsKeptBesideWhatElseLiesThere) {
  const auto locks = storage::pack({{"lock-hold", "ON"}});
  ObjectAcl acl;
  EXPECT_EQ(acl.put_into(locks), locks);
  EXPECT_EQ(acl.put_into(""), "");
  acl.owner = kWriter;
  acl.grants = Grants{to(kAllUsers, Permission::kRead), grant(kOther, Permission::kFullControl)};
  const auto both = acl.put_into(locks);
  EXPECT_EQ(storage::find(storage::unpack(both), "lock-hold"), "ON");
  const auto read = ObjectAcl::of(both);
  EXPECT_EQ(read.owner, acl.owner);
  EXPECT_EQ(read.grants, acl.grants);
  EXPECT_EQ(ObjectAcl().put_into(both), locks);
}

}  // namespace
}  // namespace sagelet::s3
