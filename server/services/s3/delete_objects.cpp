// DeleteObject and DeleteObjects.
#include "server/services/s3/s3.hpp"
#include "server/storage/version_rows.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::size_t kMostKeys = 1000;

struct Asked {
  std::string key;
  std::string version;
  WriteConditions conditions;
  bool bypass = false;  ///< of GOVERNANCE
};

struct Outcome {
  std::string key;
  std::string version;         ///< that was asked for
  bool marker = false;         ///< a delete marker was made or removed
  std::string marker_version;  ///< as clients read it
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

/// The version that a condition is about: the newest when none was named.
Result<std::optional<storage::ObjectRow>> judged_row(Connection& db, std::int64_t bucket,
                                                     const Asked& asked) {
  if (asked.version.empty()) return storage::find_object(db, bucket, asked.key);
  return storage::find_version(db, bucket, asked.key, stored_version(asked.version));
}

/// Conditions, and for a named version its locks.
Status judge(const storage::ObjectRow* row, const Asked& asked, WallTime now,
             const errors::Refusal& refusal) {
  TRY(asked.conditions.check(row, asked.key, refusal));
  if (row != nullptr && !asked.version.empty() && Locks::of(row->extras).forbid_deletion(now, asked.bypass))
    return refusal.with(errors::locked());
  return {};
}

/// Hides the key, or removes it where nothing is kept. `marker` is a marker's name if one is made.
Status hide_or_remove(Connection& db, const storage::Bucket& bucket, const std::string& key,
                      const std::string& marker, WallTime now, Freed& freed) {
  if (bucket.versioning == storage::Versioning::kNever) {
    TRY(storage::delete_object(db, bucket.id, key, freed));
    return {};
  }
  return storage::put_marker(db, bucket.id, key, marker, now, freed);
}

/// Deleting what is not there is a success.
Status delete_asked(Connection& db, const storage::Bucket& bucket, const Asked& asked,
                    const std::string& marker, WallTime now, Freed& freed) {
  if (asked.version.empty()) return hide_or_remove(db, bucket, asked.key, marker, now, freed);
  TRY(storage::delete_version(db, bucket.id, asked.key, stored_version(asked.version), freed));
  return {};
}

/// A failed condition is this key's outcome, not the request's.
Status delete_one(Connection& db, const storage::Bucket& bucket, const Asked& asked,
                  const std::string& marker, WallTime now, Freed& freed, std::vector<Outcome>& outcomes) {
  auto& outcome = outcomes.emplace_back();
  outcome.key = asked.key;
  outcome.version = asked.version;
  TRY(const auto row, judged_row(db, bucket.id, asked));
  const errors::Refusal refusal;
  if (const auto allowed = judge(row ? &*row : nullptr, asked, now, refusal); !allowed) {
    outcome.error = refusal.answer(allowed.error());
    return {};
  }
  TRY(delete_asked(db, bucket, asked, marker, now, freed));
  if (bucket.versioning == storage::Versioning::kNever) return {};
  outcome.marker = asked.version.empty() || (row && row->marker);
  outcome.marker_version = asked.version.empty() ? std::string(shown_version(marker)) : asked.version;
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
    if (!outcome.version.empty()) {
      to.member("VersionId");
      to.text(outcome.version);
    }
    if (outcome.marker) {
      to.member("DeleteMarker");
      to.boolean(true);
      to.member("DeleteMarkerVersionId");
      to.text(outcome.marker_version);
    }
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
    if (!outcome.version.empty()) {
      to.member("VersionId");
      to.text(outcome.version);
    }
    to.end_structure();
  }
  to.end_list();
}

/// What DeleteObject will answer. A version never turns from an object into a marker or back, so it may be
/// looked at before the change.
Reply<Output> deleted_output(storage::Ledger& ledger, const storage::Bucket& bucket, const Asked& asked,
                             const std::string& marker) {
  Output output;
  if (bucket.versioning == storage::Versioning::kNever) return output;
  bool is_marker = asked.version.empty();
  if (!is_marker)
    TRY(errors::lift(ledger.read([&](Connection& db) -> Status {
      TRY(const auto row, judged_row(db, bucket.id, asked));
      is_marker = row && row->marker;
      return {};
    })));
  if (is_marker) output.fields["DeleteMarker"] = true;
  output.fields["VersionId"] = asked.version.empty() ? std::string(shown_version(marker)) : asked.version;
  return output;
}

}  // namespace

Reply<Output> S3Service::delete_object(Context& context, Input in) {
  TRY(const auto bucket, owned(context, in));
  Asked asked{in.text("Key"), in.text("VersionId"), WriteConditions::from(in.params),
              in.flag("BypassGovernanceRetention")};
  auto marker = new_version(bucket);
  TRY(auto output, deleted_output(ledger_, bucket, asked, marker));
  const errors::Refusal refusal;
  auto ticket = objects_.commit([this, asked = std::move(asked), bucket, account = context.account(), refusal,
                                 marker = std::move(marker), time = context.now()](
                                    Connection& db, storage::BodyId, Freed& freed) -> Status {
    TRY(const auto now, owned(db, account, bucket.name, refusal));
    if (asked.version.empty()) TRY(check_version(now, marker, refusal));
    if (asked.conditions.any() || !asked.version.empty()) {
      TRY(const auto row, judged_row(db, now.id, asked));
      TRY(judge(row ? &*row : nullptr, asked, time, refusal));
    }
    return delete_asked(db, now, asked, marker, time, freed);
  });
  return answer_after(std::move(output), refusal, std::move(ticket));
}

Reply<Output> S3Service::delete_objects(Context& context, Input in) {
  TRY(const auto bucket, owned(context, in));
  if (!in.has("Delete")) return errors::malformed_xml();
  const auto& given = in.params["Delete"];
  TRY(auto keys, keys_to_delete(given));
  for (auto& asked : keys) asked.bypass = in.flag("BypassGovernanceRetention");
  const errors::Refusal refusal;
  std::vector<Outcome> outcomes;
  const auto ticket = objects_.commit([&](Connection& db, storage::BodyId, Freed& freed) -> Status {
    TRY(const auto now, owned(db, context.account(), bucket.name, refusal));
    outcomes.clear();
    for (const auto& asked : keys)
      TRY(delete_one(db, now, asked, new_version(now), context.now(), freed, outcomes));
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
