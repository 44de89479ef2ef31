#include "server/services/sagemaker/deadlines.hpp"

namespace sagelet::sagemaker {

using storage::Connection;

Status set_deadline(Connection& connection, std::int64_t record, std::string_view kind, WallTime at) {
  return connection.prepare("INSERT OR REPLACE INTO deadlines VALUES (?, ?, ?)")
      .bind(1, record)
      .bind(2, kind)
      .bind(3, to_millis(at))
      .run();
}

Status drop_deadline(Connection& connection, std::int64_t record, std::string_view kind) {
  return connection.prepare("DELETE FROM deadlines WHERE record = ? AND kind = ?")
      .bind(1, record)
      .bind(2, kind)
      .run();
}

Status drop_deadlines(Connection& connection, std::int64_t record) {
  return connection.prepare("DELETE FROM deadlines WHERE record = ?").bind(1, record).run();
}

Result<std::vector<Deadline>> deadlines_until(Connection& connection, WallTime now) {
  std::vector<Deadline> due;
  auto row = connection.prepare("SELECT record, kind FROM deadlines WHERE due <= ? ORDER BY due");
  row.bind(1, to_millis(now));
  while (true) {
    TRY(const bool found, row.step());
    if (!found) return due;
    due.push_back({.record = row.integer(0), .kind = std::string(row.text(1))});
  }
}

Result<std::optional<WallTime>> next_deadline(Connection& connection) {
  auto row = connection.prepare("SELECT due FROM deadlines ORDER BY due LIMIT 1");
  TRY(const bool found, row.step());
  if (!found) return std::optional<WallTime>();
  return std::optional(from_millis(row.integer(0)));
}

}  // namespace sagelet::sagemaker
