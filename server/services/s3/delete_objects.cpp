// DeleteObject and DeleteObjects.
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::size_t kMostKeys = 1000;

struct Asked {
  std::string key;
  std::string version;
  WriteConditions conditions;
};

struct Outcome {
  std::string key;
  std::optional<api::Error> error;
};

Reply<std::vector<Asked>> keys_to_delete(const Document& given) {
  const auto objects = given.find("Objects");
  if (objects == given.end() || !objects->is_array() || objects->empty() || objects->size() > kMostKeys)
    return errors::malformed_xml();
  std::vector<Asked> keys;
  for (const auto& one : *objects) {
    const auto key = one.find("Key");
    if (key == one.end() || !key->is_string()) return errors::malformed_xml();
    Asked asked;
    asked.key = key->get<std::string>();
    if (asked.key.empty()) return errors::malformed_xml();
    asked.version = one.value("VersionId", "");
    if (one.contains("ETag")) asked.conditions.if_match = one.at("ETag").get<std::string>();
    keys.push_back(std::move(asked));
  }
  return keys;
}

/// "null" is the only version that an unversioned bucket has; deleting another is no error and does nothing.
bool names_nothing(std::string_view version) {
  return !version.empty() && version != "null";
}

/// A failed condition is this key's outcome, not the request's.
Status delete_one(Connection& db, std::int64_t bucket, const Asked& asked, Freed& freed,
                  std::vector<Outcome>& outcomes) {
  outcomes.push_back({asked.key, std::nullopt});
  if (names_nothing(asked.version)) return {};
  if (asked.conditions.any()) {
    TRY(const auto row, storage::find_object(db, bucket, asked.key));
    const errors::Refusal refusal;
    if (auto held = asked.conditions.check(row ? &*row : nullptr, asked.key, refusal); !held) {
      outcomes.back().error = refusal.answer(held.error());
      return {};
    }
  }
  TRY(storage::delete_object(db, bucket, asked.key, freed));
  return {};
}

void write_outcomes(model::Writer& to, const std::vector<Outcome>& outcomes, bool quiet) {
  to.member("Deleted");
  to.begin_list();
  for (const auto& outcome : outcomes) {
    if (outcome.error || quiet) continue;
    to.begin_structure();
    to.member("Key");
    to.text(outcome.key);
    to.end_structure();
  }
  to.end_list();
  to.member("Errors");
  to.begin_list();
  for (const auto& outcome : outcomes) {
    if (!outcome.error) continue;
    to.begin_structure();
    to.member("Key");
    to.text(outcome.key);
    to.member("Code");
    to.text(outcome.error->code);
    to.member("Message");
    to.text(outcome.error->message);
    to.end_structure();
  }
  to.end_list();
}

}  // namespace

/// Deleting what is not there is a success.
Reply<Output> S3Service::delete_object(Context& context, Input in) {
  TRY(const auto bucket, owned(context, in));
  if (names_nothing(in.text("VersionId"))) return Output();
  const errors::Refusal refusal;
  auto ticket = objects_.commit([this, name = bucket.name, account = context.account(), key = in.text("Key"),
                                 refusal, conditions = WriteConditions::from(in.params)](
                                    Connection& db, storage::BodyId, Freed& freed) -> Status {
    TRY(const auto now, owned(db, account, name, refusal));
    if (conditions.any()) {
      TRY(const auto row, storage::find_object(db, now.id, key));
      TRY(conditions.check(row ? &*row : nullptr, key, refusal));
    }
    TRY(storage::delete_object(db, now.id, key, freed));
    return {};
  });
  return answer_after(Output(), refusal, std::move(ticket));
}

Reply<Output> S3Service::delete_objects(Context& context, Input in) {
  TRY(const auto bucket, owned(context, in));
  if (!in.has("Delete")) return errors::malformed_xml();
  const auto& given = in.params["Delete"];
  TRY(const auto keys, keys_to_delete(given));
  const errors::Refusal refusal;
  std::vector<Outcome> outcomes;
  const auto ticket = objects_.commit([&](Connection& db, storage::BodyId, Freed& freed) -> Status {
    TRY(const auto now, owned(db, context.account(), bucket.name, refusal));
    outcomes.clear();
    for (const auto& asked : keys) TRY(delete_one(db, now.id, asked, freed, outcomes));
    return {};
  });
  TRY(done(refusal, ticket));
  Output output;
  output.rows = [outcomes = std::move(outcomes), quiet = given.value("Quiet", false)](model::Writer& to) {
    write_outcomes(to, outcomes, quiet);
  };
  return output;
}

}  // namespace sagelet::s3
