#include "server/services/s3/lifecycle/sweep.hpp"

#include <algorithm>
#include <iterator>

#include "base/crash_point.hpp"
#include "server/services/s3/lifecycle/carry_out.hpp"
#include "server/services/s3/locks.hpp"
#include "server/services/s3/versions.hpp"
#include "server/storage/upload_rows.hpp"
#include "server/storage/version_rows.hpp"

namespace sagelet::s3::lifecycle {

namespace {

constexpr std::size_t kPage = 1000;
constexpr std::size_t kBatch = 100;

Subject subject_of(const storage::AgingVersion& row) {
  return {row.key, row.size, row.modified, row.tags, row.storage_class};
}

/// The beginning that all rules' prefixes share: keys without it need no look.
std::string shared_prefix(const Rules& rules) {
  if (rules.rules.empty()) return {};
  std::string_view shared = rules.rules.front().filter.prefix;
  for (const auto& rule : rules.rules) {
    const auto& prefix = rule.filter.prefix;
    const auto ends = std::mismatch(shared.begin(), shared.end(), prefix.begin(), prefix.end());
    shared = shared.substr(0, static_cast<std::size_t>(ends.first - shared.begin()));
  }
  return std::string(shared);
}

bool unchanged(const storage::ObjectRow& row, const storage::AgingVersion& seen) {
  return row.version == seen.version && row.modified == seen.modified && row.tags == seen.tags;
}

/// One pass; its changes run inside the ledger's transaction.
class Pass {
 public:
  Pass(const Surroundings& around, const storage::BucketSetting& setting, WallTime now)
      : around_(around), setting_(setting), rules_(rules_from(setting.value)), now_(now) {
    if (around.outbox.concerns(setting.bucket.name))
      note_ = notifications::Noting(around.outbox, {"s3.amazonaws.com", "s3.amazonaws.com", {}});
  }

  Status run() {
    if (rules_.rules.empty()) return {};
    TRY(versions());
    return uploads();
  }

  Status apply(std::vector<Action> actions) {
    for (std::size_t at = 0; at < actions.size() && !around_.stopping; at += kBatch) {
      const std::span batch(actions.data() + at, std::min(kBatch, actions.size() - at));
      crash_point("lifecycle.between_batches");
      auto ticket = around_.objects.commit(
          [this, batch](storage::Connection& db, storage::BodyId, storage::Freed& freed) -> Status {
            TRY(const auto bucket, rules_are_the_same(db));
            for (const auto& action : batch) TRY(change(db, bucket, action, freed));
            return {};
          });
      TRY(around_.outbox.waking(setting_.bucket.name, std::move(ticket)).wait());
    }
    return {};
  }

 private:
  storage::Ledger& ledger() { return around_.objects.ledger(); }

  Status versions() {
    const auto prefix = shared_prefix(rules_);
    Judge judge(rules_, around_.calendar, now_);
    storage::AgingPosition from{prefix};
    for (bool more = true; more && !around_.stopping;) {
      std::vector<storage::AgingVersion> page;
      TRY(ledger().read([&](storage::Connection& db) -> Status {
        TRY(page, storage::aging_versions(db, setting_.bucket.id, from, kPage));
        return {};
      }));
      more = page.size() == kPage && page.back().key.starts_with(prefix);
      for (const auto& row : page)
        if (row.key.starts_with(prefix)) judge.look(row);
      if (!page.empty()) from = {page.back().key, page.back().seq};
      if (!more) judge.end();
      TRY(apply(judge.take()));
    }
    return {};
  }

  Status uploads() {
    std::vector<Action> overdue;
    TRY(ledger().read([&](storage::Connection& db) -> Status {
      return storage::walk_uploads(db, setting_.bucket.id, "", "", [&](const storage::UploadRow& upload) {
        const auto due = abortion(rules_, upload.key, upload.started, around_.calendar);
        if (due && due->at <= now_) {
          auto& action = overdue.emplace_back(Action{Action::Kind::kAbort, {}, {}});
          action.seen.key = upload.key;
          action.seen.version = upload.id;
        }
        return true;
      });
    }));
    return apply(std::move(overdue));
  }

  /// The bucket as it is now; kCancelled when its rules are others.
  Result<storage::Bucket> rules_are_the_same(storage::Connection& db) {
    TRY(auto bucket, storage::find_bucket(db, setting_.bucket.name));
    if (bucket && bucket->id == setting_.bucket.id) {
      TRY(const auto value, storage::find_setting(db, bucket->id, kSetting));
      if (value == setting_.value) return std::move(*bucket);
    }
    return Error(ErrorKind::kCancelled, "the rules were changed meanwhile");
  }

  Status change(storage::Connection& db, const storage::Bucket& bucket, const Action& action,
                storage::Freed& freed) {
    switch (action.kind) {
      case Action::Kind::kExpire:
        return expire(db, bucket, action.seen, freed);
      case Action::Kind::kRemove:
        return remove(db, bucket, action.seen, freed);
      case Action::Kind::kRemoveMarker:
        return remove_marker(db, bucket, action.seen, freed);
      case Action::Kind::kMove:
        return move(db, bucket, action);
      case Action::Kind::kAbort:
        return storage::delete_upload(db, bucket.id, action.seen.key, action.seen.version, {}, freed);
    }
    return {};
  }

  Status expire(storage::Connection& db, const storage::Bucket& bucket, const storage::AgingVersion& seen,
                storage::Freed& freed) {
    TRY(const auto newest, storage::find_object(db, bucket.id, seen.key));
    if (!newest || !unchanged(*newest, seen)) return {};
    const auto marker = new_version(bucket, around_.ids);
    TRY(hide_or_remove(db, bucket, seen.key, marker, now_, freed));
    const bool hidden = bucket.versioning != storage::Versioning::kNever;
    const char* event = hidden ? "LifecycleExpiration:DeleteMarkerCreated" : "LifecycleExpiration:Delete";
    return note_.removed(db, bucket, event, seen.key, marker);
  }

  /// A version that became the newest again stays, and so does a locked one.
  Status remove(storage::Connection& db, const storage::Bucket& bucket, const storage::AgingVersion& seen,
                storage::Freed& freed) {
    TRY(const auto newest, storage::find_object(db, bucket.id, seen.key));
    if (newest && newest->version == seen.version) return {};
    TRY(const auto row, storage::find_version(db, bucket.id, seen.key, seen.version));
    if (!row || !unchanged(*row, seen) || Locks::of(row->extras).forbid_deletion(now_, false)) return {};
    TRY(storage::delete_version(db, bucket.id, seen.key, seen.version, freed));
    return note_.removed(db, bucket, "LifecycleExpiration:Delete", seen.key, seen.version);
  }

  Status remove_marker(storage::Connection& db, const storage::Bucket& bucket,
                       const storage::AgingVersion& seen, storage::Freed& freed) {
    TRY(const bool lonely, storage::is_only_version(db, bucket.id, seen.key, seen.version));
    if (!lonely) return {};
    TRY(storage::delete_version(db, bucket.id, seen.key, seen.version, freed));
    return note_.removed(db, bucket, "LifecycleExpiration:Delete", seen.key, seen.version);
  }

  Status move(storage::Connection& db, const storage::Bucket& bucket, const Action& action) {
    const auto& seen = action.seen;
    TRY(const auto row, storage::find_version(db, bucket.id, seen.key, seen.version));
    if (!row || !unchanged(*row, seen)) return {};
    TRY(storage::set_storage_class(db, bucket.id, seen.key, seen.version, action.storage_class));
    return note_.created(db, bucket, "LifecycleTransition", *row);
  }

  const Surroundings& around_;
  const storage::BucketSetting& setting_;
  const Rules rules_;
  const WallTime now_;
  notifications::Noting note_;
};

}  // namespace

Status sweep(const Surroundings& around, const storage::BucketSetting& setting, WallTime now) {
  return Pass(around, setting, now).run();
}

Status carry_out(const Surroundings& around, const storage::BucketSetting& setting, WallTime now,
                 std::vector<Action> actions) {
  return Pass(around, setting, now).apply(std::move(actions));
}

void Judge::look(const storage::AgingVersion& row) {
  if (key_ == row.key) {
    lonely_marker_.reset();
    look_at_older(row);
  } else {
    end();
    key_ = row.key;
    newer_ = 0;
    look_at_newest(row);
  }
  replaced_ = row.modified;
}

void Judge::end() {
  if (lonely_marker_ && marker_expires(rules_, subject_of(*lonely_marker_), now_, calendar_))
    want(Action::Kind::kRemoveMarker, *lonely_marker_);
  lonely_marker_.reset();
}

void Judge::look_at_newest(const storage::AgingVersion& row) {
  if (row.marker) {
    lonely_marker_ = row;
    return;
  }
  const auto subject = subject_of(row);
  if (const auto due = expiration(rules_, subject, calendar_); due && due->at <= now_)
    return want(Action::Kind::kExpire, row);
  if (auto to = moves_to(rules_, subject, std::nullopt, 0, now_, calendar_); !to.empty())
    want(Action::Kind::kMove, row, std::move(to));
}

void Judge::look_at_older(const storage::AgingVersion& row) {
  const auto subject = subject_of(row);
  if (noncurrent_expires(rules_, subject, replaced_, newer_, now_, calendar_)) {
    want(Action::Kind::kRemove, row);
  } else if (!row.marker) {
    if (auto to = moves_to(rules_, subject, replaced_, newer_, now_, calendar_); !to.empty())
      want(Action::Kind::kMove, row, std::move(to));
  }
  ++newer_;
}

void Judge::want(Action::Kind kind, const storage::AgingVersion& row, std::string storage_class) {
  wanted_.push_back(Action{kind, row, std::move(storage_class)});
}

}  // namespace sagelet::s3::lifecycle
