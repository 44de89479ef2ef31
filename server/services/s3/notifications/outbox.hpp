#pragma once
// Events on their way to the webhook: written with the change they tell of, kept until it took them.
//
// At least once; of one key in order. A webhook that does not answer is asked again with growing pauses, and
// a key whose event it refuses holds up no other key. Without a webhook nothing is written and there is no
// thread.
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.hpp"
#include "base/ticket.hpp"
#include "client/http.hpp"
#include "server/services/s3/bucket_names.hpp"
#include "server/services/s3/notifications/events.hpp"
#include "server/storage/ledger.hpp"
#include "server/storage/notification_rows.hpp"

namespace sagelet::s3::notifications {

class Outbox {
 public:
  /// `webhook` is a URL, or empty.
  Outbox(storage::Ledger& ledger, const Clock& clock, std::string webhook);
  ~Outbox();

  /// A bucket is about to get a configuration (or has one, at the start).
  void add_bucket(std::string_view bucket) { buckets_.add(bucket); }
  /// Must changes in this bucket be noted? Cheap.
  bool concerns(std::string_view bucket) const { return !webhook_.empty() && buckets_.may_have(bucket); }
  /// Inside the change that it tells of.
  Status note(storage::Connection& db, const storage::Bucket& bucket, const Event& event, const Actor& actor);
  /// Events were committed (or may wait since the last run): they are told now.
  void wake();
  /// `ticket`, with a wake() when it completes; itself where the bucket does not concern us.
  Ticket waking(std::string_view bucket, Ticket ticket);

 private:
  void loop();
  /// All that wait, once, but for keys that are held up. False when nobody is there.
  Result<bool> tell_all(client::Http& http, std::set<std::string>& held);
  bool tell(client::Http& http, const storage::NotificationRow& row, std::vector<std::int64_t>& told,
            std::set<std::string>& held);

  storage::Ledger& ledger_;
  const Clock& clock_;
  const std::string webhook_;
  BucketNames buckets_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool wanted_ = false;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  ///< started by the first wake()
};

/// Notes what one caller does, inside the changes that do it. Of a bucket that concerns nobody it is empty.
class Noting {
 public:
  Noting() = default;
  Noting(Outbox& outbox, Actor actor) : outbox_(&outbox), actor_(std::move(actor)) {}

  /// `name` is "ObjectCreated:Put" and its like, here and below.
  Status created(storage::Connection& db, const storage::Bucket& bucket, std::string_view name,
                 const storage::ObjectRow& row) const;
  /// `version`: as the ledger has it, of the version that went or of the marker that came.
  Status removed(storage::Connection& db, const storage::Bucket& bucket, std::string_view name,
                 const std::string& key, std::string_view version) const;

 private:
  Outbox* outbox_ = nullptr;
  Actor actor_;
};

}  // namespace sagelet::s3::notifications
