#pragma once
// Events of buckets that wait to be told, in the order in which they happened.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::storage {

struct NotificationRow {
  std::int64_t id = 0;
  std::string bucket;
  std::string key;
  std::string destination;
  std::string record;
};

/// The id of the next one: above all that wait, and above the clock in microseconds, so that ids only grow.
Result<std::int64_t> next_notification(Connection& db, WallTime now);
Status insert_notification(Connection& db, const NotificationRow& row);
/// Those with ids above `after`, in order, at most `limit`.
Result<std::vector<NotificationRow>> notifications(Connection& db, std::int64_t after, std::size_t limit);
Status delete_notifications(Connection& db, std::span<const std::int64_t> ids);

}  // namespace sagelet::storage
