#pragma once
// One pass of a bucket's rules over all it holds: found page by page, changed in small commits. Each change
// looks again at what it changes, so that a pass may end anywhere, or be repeated, and does nothing twice.
#include <atomic>

#include "base/ids.hpp"
#include "server/services/s3/lifecycle/rules.hpp"
#include "server/services/s3/notifications/outbox.hpp"
#include "server/storage/aging_rows.hpp"
#include "server/storage/objects.hpp"

namespace sagelet::s3::lifecycle {

/// One thing that a rule wants.
struct Action {
  enum class Kind { kExpire, kRemove, kRemoveMarker, kMove, kAbort };
  Kind kind;
  storage::AgingVersion seen;  ///< what it was decided on; kAbort: key, and `version` is the upload's id
  std::string storage_class;   ///< kMove: to which
};

struct Surroundings {
  storage::ObjectStore& objects;
  notifications::Outbox& outbox;
  Ids& ids;
  Calendar calendar;
  const std::atomic<bool>& stopping;
};

/// Ends early when `stopping`, or when the bucket's rules are no longer `setting` (as JSON).
Status sweep(const Surroundings& around, const storage::BucketSetting& setting, WallTime now);

/// What rules want of the rows that it is shown in order, of one key the newest first.
class Judge {
 public:
  Judge(const Rules& rules, const Calendar& calendar, WallTime now)
      : rules_(rules), calendar_(calendar), now_(now) {}

  void look(const storage::AgingVersion& row);
  void end();  ///< no more rows
  std::vector<Action> take() { return std::exchange(wanted_, {}); }

 private:
  void look_at_newest(const storage::AgingVersion& row);
  void look_at_older(const storage::AgingVersion& row);
  void want(Action::Kind kind, const storage::AgingVersion& row, std::string storage_class = {});

  const Rules& rules_;
  const Calendar calendar_;
  const WallTime now_;
  std::vector<Action> wanted_;
  std::optional<storage::AgingVersion> lonely_marker_;  ///< the newest of its key, no older one seen yet
  std::optional<std::string> key_;
  WallTime replaced_{};     ///< when the next older version was replaced
  std::int64_t newer_ = 0;  ///< noncurrent versions of the key so far
};

}  // namespace sagelet::s3::lifecycle
