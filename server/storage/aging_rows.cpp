#include "server/storage/aging_rows.hpp"

namespace sagelet::storage {

Result<std::vector<AgingVersion>> aging_versions(Connection& db, std::int64_t bucket,
                                                 const AgingPosition& from, std::size_t limit) {
  auto query = db.prepare(
      "SELECT key, coalesce(version, ''), seq, size, modified, storage_class, tags, 0 FROM objects "
      "WHERE bucket = ?1 AND key >= ?2 AND (key > ?2 OR seq < ?3) "
      "UNION ALL "
      "SELECT key, version, seq, size, modified, storage_class, tags, marker FROM versions "
      "WHERE bucket = ?1 AND key >= ?2 AND (key > ?2 OR seq < ?3) "
      "ORDER BY 1, 3 DESC LIMIT ?4");
  query.bind(1, bucket).bind_blob(2, from.key).bind(3, from.below).bind(4, limit);
  std::vector<AgingVersion> rows;
  while (true) {
    TRY(const bool more, query.step());
    if (!more) return rows;
    auto& row = rows.emplace_back();
    row.key = query.blob(0);
    row.version = query.text(1);
    row.seq = query.integer(2);
    row.size = static_cast<std::uint64_t>(query.integer(3));
    row.modified = from_millis(query.integer(4));
    row.storage_class = query.text(5);
    row.tags = query.blob(6);
    row.marker = query.integer(7) != 0;
  }
}

Result<bool> is_only_version(Connection& db, std::int64_t bucket, std::string_view key,
                             std::string_view version) {
  auto query = db.prepare(
      "SELECT NOT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1 AND key = ?2 AND coalesce(version, '') <> "
      "?3) "
      "AND NOT EXISTS (SELECT 1 FROM versions WHERE bucket = ?1 AND key = ?2 AND version <> ?3)");
  TRY(const bool row, query.bind(1, bucket).bind_blob(2, key).bind(3, version).step());
  return row && query.integer(0) != 0;
}

Status set_storage_class(Connection& db, std::int64_t bucket, std::string_view key, std::string_view version,
                         std::string_view storage_class) {
  auto current = db.prepare(
      "UPDATE objects SET storage_class = ? WHERE bucket = ? AND key = ? AND coalesce(version, '') = ?");
  TRY(current.bind(1, storage_class).bind(2, bucket).bind_blob(3, key).bind(4, version).run());
  if (db.changes() > 0) return {};
  auto older = db.prepare(
      "UPDATE versions SET storage_class = ? WHERE bucket = ? AND key = ? AND version = ? AND marker = 0");
  TRY(older.bind(1, storage_class).bind(2, bucket).bind_blob(3, key).bind(4, version).run());
  if (db.changes() > 0) return {};
  return Error(ErrorKind::kNotFound, "no such version");
}

}  // namespace sagelet::storage
