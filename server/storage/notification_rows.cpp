#include "server/storage/notification_rows.hpp"

#include <algorithm>

namespace sagelet::storage {

Result<std::int64_t> next_notification(Connection& db, WallTime now) {
  auto query = db.prepare("SELECT coalesce(max(id), 0) + 1 FROM notifications");
  TRY(const bool row, query.step());
  return std::max(row ? query.integer(0) : 1, to_millis(now) * 1000);
}

Status insert_notification(Connection& db, const NotificationRow& row) {
  auto insert =
      db.prepare("INSERT INTO notifications(id, bucket, key, destination, record) VALUES (?, ?, ?, ?, ?)");
  insert.bind(1, row.id).bind(2, row.bucket).bind_blob(3, row.key);
  return insert.bind(4, row.destination).bind_blob(5, row.record).run();
}

Result<std::vector<NotificationRow>> notifications(Connection& db, std::int64_t after, std::size_t limit) {
  auto query = db.prepare(
      "SELECT id, bucket, key, destination, record FROM notifications WHERE id > ? ORDER BY id LIMIT ?");
  query.bind(1, after).bind(2, limit);
  std::vector<NotificationRow> rows;
  while (true) {
    TRY(const bool more, query.step());
    if (!more) return rows;
    rows.push_back({query.integer(0), std::string(query.text(1)), std::string(query.blob(2)),
                    std::string(query.text(3)), std::string(query.blob(4))});
  }
}

Status delete_notifications(Connection& db, std::span<const std::int64_t> ids) {
  for (const auto id : ids) TRY(db.prepare("DELETE FROM notifications WHERE id = ?").bind(1, id).run());
  return {};
}

}  // namespace sagelet::storage
