#include "server/services/s3/access/bucket_rules.hpp"

#include <array>

#include "nlohmann/json.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::array<std::string_view, 3> kNames = {"BucketOwnerEnforced", "BucketOwnerPreferred",
                                                    "ObjectWriter"};

Result<std::optional<std::string>> setting(storage::Connection& db, const storage::Bucket& bucket,
                                           const char* kind) {
  if (!bucket.has(kind)) return std::nullopt;
  return storage::find_setting(db, bucket.id, kind);
}

PublicAccessBlock block_from(const std::string& text) {
  const auto given = nlohmann::json::parse(text, nullptr, false);
  if (!given.is_object()) return {true, true, true, true};  // not ours: rather closed than open
  return {given.value("BlockPublicAcls", false), given.value("IgnorePublicAcls", false),
          given.value("BlockPublicPolicy", false), given.value("RestrictPublicBuckets", false)};
}

}  // namespace

std::string_view ownership_name(Ownership ownership) {
  return kNames[static_cast<std::size_t>(ownership)];
}

std::optional<Ownership> ownership_from(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Ownership>(i);
  return std::nullopt;
}

Result<BucketRules> bucket_rules(storage::Connection& db, const storage::Bucket& bucket) {
  BucketRules rules;
  TRY(const auto ownership, setting(db, bucket, kOwnershipSetting));
  if (ownership) rules.ownership = ownership_from(*ownership).value_or(Ownership::kObjectWriter);
  TRY(const auto grants, setting(db, bucket, kAclSetting));
  if (grants) rules.grants = unpack_grants(*grants);
  TRY(const auto block, setting(db, bucket, kPublicAccessSetting));
  if (block) rules.block = block_from(*block);
  TRY(rules.policy, setting(db, bucket, kPolicySetting));
  return rules;
}

Status keep_rules(storage::Connection& db, std::int64_t bucket, const BucketRules& rules) {
  if (rules.acls()) TRY(storage::put_setting(db, bucket, kOwnershipSetting, ownership_name(rules.ownership)));
  if (rules.grants) TRY(storage::put_setting(db, bucket, kAclSetting, pack_grants(*rules.grants)));
  return {};
}

}  // namespace sagelet::s3
