// DeleteObject and DeleteObjects.
#include "server/services/s3/s3.hpp"
#include "server/services/s3/versions.hpp"
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

/// Who deletes, and what is told of it.
struct Deleting {
  WallTime now;
  notifications::Noting note;
};

/// Deleting what is not there is a success, and no event.
Status delete_asked(Connection& db, const storage::Bucket& bucket, const Asked& asked,
                    const std::string& marker, const Deleting& how, Freed& freed) {
  if (!asked.version.empty()) {
    const auto version = stored_version(asked.version);
    TRY(const bool gone, storage::delete_version(db, bucket.id, asked.key, version, freed));
    return gone ? how.note.removed(db, bucket, "ObjectRemoved:Delete", asked.key, version) : Status();
  }
  TRY(const bool changed, hide_or_remove(db, bucket, asked.key, marker, how.now, freed));
  const bool hidden = bucket.versioning != storage::Versioning::kNever;
  const char* event = hidden ? "ObjectRemoved:DeleteMarkerCreated" : "ObjectRemoved:Delete";
  return changed ? how.note.removed(db, bucket, event, asked.key, marker) : Status();
}

/// A failed condition is this key's outcome, not the request's.
Status delete_one(Connection& db, const storage::Bucket& bucket, const Asked& asked,
                  const std::string& marker, const Deleting& how, Freed& freed, Outcome& outcome) {
  TRY(const auto row, judged_row(db, bucket.id, asked));
  const errors::Refusal refusal;
  if (const auto allowed = judge(row ? &*row : nullptr, asked, how.now, refusal); !allowed) {
    outcome.error = refusal.answer(allowed.error());
    return {};
  }
  TRY(delete_asked(db, bucket, asked, marker, how, freed));
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

const Action& action_on(const std::string& version) {
  return version.empty() ? action::kDeleteObject : action::kDeleteObjectVersion;
}

/// No more is passed on than the key: what a condition or a version would have kept must not go.
Reply<void> delete_upstream(upstream::Upstream& other, const std::string& bucket, const Asked& asked) {
  if (!asked.version.empty()) return errors::not_implemented("versionId");
  if (asked.conditions.any()) return errors::not_implemented("If-Match");
  return other.remove(bucket, asked.key);
}

std::vector<Outcome> deleted_upstream(upstream::Upstream& other, const std::string& bucket,
                                      const std::vector<Asked>& keys) {
  std::vector<Outcome> outcomes;
  for (const auto& asked : keys) {
    auto& outcome = outcomes.emplace_back();
    outcome.key = asked.key;
    outcome.version = asked.version;
    if (const auto done = delete_upstream(other, bucket, asked); !done) outcome.error = done.error();
  }
  return outcomes;
}

Output deleted(std::vector<Outcome> outcomes, bool quiet) {
  Output output;
  output.rows = [outcomes = std::move(outcomes), quiet](model::Writer& to) {
    write_outcomes(to, outcomes, quiet);
  };
  return output;
}

}  // namespace

Reply<Output> S3Service::delete_object(Context& context, Input in) {
  Asked asked{in.text("Key"), in.text("VersionId"), WriteConditions::from(in.params), false};
  TRY(const bool through, written_through(context, in.text("Bucket")));
  if (through) {
    TRY(delete_upstream(*upstream_, in.text("Bucket"), asked));
    return Output();
  }
  TRY(const auto permit, permitted(context, in.params, action_on(asked.version)));
  const auto& bucket = permit.bucket;
  TRY(asked.bypass, may_bypass(context, in, bucket));
  auto marker = new_version(bucket);
  TRY(auto output, deleted_output(ledger_, bucket, asked, marker));
  const errors::Refusal refusal;
  auto change = [this, asked = std::move(asked), permit, refusal, marker = std::move(marker),
                 how = Deleting{context.now(), noting(context, bucket.name)}](Connection& db, storage::BodyId,
                                                                              Freed& freed) -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    if (asked.version.empty()) TRY(check_version(now, marker, refusal));
    if (asked.conditions.any() || !asked.version.empty()) {
      TRY(const auto row, judged_row(db, now.id, asked));
      TRY(judge(row ? &*row : nullptr, asked, how.now, refusal));
    }
    return delete_asked(db, now, asked, marker, how, freed);
  };
  auto ticket = objects_.commit(storage::Staged(), std::move(change), Touches::kObjects);
  return answer_after(std::move(output), refusal, outbox_.waking(bucket.name, std::move(ticket)));
}

/// The header asks for it, and the caller may.
Reply<bool> S3Service::may_bypass(const Context& context, const Input& in, const storage::Bucket& bucket) {
  if (!in.flag("BypassGovernanceRetention")) return false;
  return may(claim(context, in.params, action::kBypassGovernanceRetention, bucket), bucket);
}

Reply<Output> S3Service::delete_objects(Context& context, Input in) {
  TRY(const bool through, written_through(context, in.text("Bucket")));
  storage::Bucket bucket;
  if (!through) {
    TRY(bucket, known(in.params));
  }
  if (!in.has("Delete")) return errors::malformed_xml();
  const auto& given = in.params["Delete"];
  TRY(auto keys, keys_to_delete(given));
  const bool quiet = given.value("Quiet", false);
  if (through) return deleted(deleted_upstream(*upstream_, in.text("Bucket"), keys), quiet);
  TRY(const bool bypass, may_bypass(context, in, bucket));
  for (auto& asked : keys) asked.bypass = bypass;
  const errors::Refusal refusal;
  std::vector<Outcome> outcomes;
  const Deleting how{context.now(), noting(context, bucket.name)};
  const auto ticket = objects_.commit([&](Connection& db, storage::BodyId, Freed& freed) -> Status {
    TRY(const auto now, storage::find_bucket(db, bucket.name));
    if (!now) return refusal.with(errors::no_such_bucket(bucket.name));
    outcomes.clear();
    for (const auto& asked : keys) {
      auto& outcome = outcomes.emplace_back();
      outcome.key = asked.key;
      outcome.version = asked.version;
      const ObjectName name{bucket.name, asked.key, asked.version};
      TRY(const bool allowed,
          may(db, claim(context, in.params, action_on(asked.version), *now, &name), *now));
      if (!allowed) outcome.error = errors::access_denied();
      if (!allowed) continue;
      TRY(delete_one(db, *now, asked, new_version(*now), how, freed, outcome));
    }
    return {};
  });
  TRY(done(refusal, outbox_.waking(bucket.name, ticket)));
  return deleted(std::move(outcomes), quiet);
}

}  // namespace sagelet::s3
