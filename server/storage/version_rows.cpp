#include "server/storage/version_rows.hpp"

namespace sagelet::storage {

namespace {

Result<std::int64_t> next_seq(Connection& db, std::int64_t bucket, std::string_view key) {
  auto query = db.prepare(
      "SELECT max(coalesce((SELECT seq FROM objects WHERE bucket = ?1 AND key = ?2), 0), "
      "coalesce((SELECT max(seq) FROM versions WHERE bucket = ?1 AND key = ?2), 0)) + 1");
  TRY(const bool row, query.bind(1, bucket).bind_blob(2, key).step());
  return row ? query.integer(0) : 1;
}

Result<bool> drop_version(Connection& db, std::int64_t bucket, std::string_view key, std::string_view version,
                          Freed& freed) {
  auto current = db.prepare(
      "DELETE FROM objects WHERE bucket = ? AND key = ? AND coalesce(version, '') = ? RETURNING body, parts");
  current.bind(1, bucket).bind_blob(2, key).bind(3, version);
  TRY(const bool was_current, free_deleted(db, std::move(current), freed));
  if (was_current) return true;
  auto older =
      db.prepare("DELETE FROM versions WHERE bucket = ? AND key = ? AND version = ? RETURNING body, parts");
  older.bind(1, bucket).bind_blob(2, key).bind(3, version);
  return free_deleted(db, std::move(older), freed);
}

/// The newest version becomes an older one; its bytes stay.
Status retire_current(Connection& db, std::int64_t bucket, std::string_view key) {
  auto copy = db.prepare(
      "INSERT INTO versions(bucket, key, seq, version, marker, size, modified, etag, storage_class, "
      "checksum, "
      "body, properties, tags, parts, extras) "
      "SELECT bucket, key, seq, coalesce(version, ''), 0, size, modified, etag, storage_class, checksum, "
      "body, "
      "properties, tags, parts, extras FROM objects WHERE bucket = ? AND key = ?");
  TRY(copy.bind(1, bucket).bind_blob(2, key).run());
  return db.prepare("DELETE FROM objects WHERE bucket = ? AND key = ?")
      .bind(1, bucket)
      .bind_blob(2, key)
      .run();
}

/// With no newest version in `objects`: the newest older one moves there, unless it is a delete marker.
Status promote_newest(Connection& db, std::int64_t bucket, std::string_view key) {
  auto copy = db.prepare(
      "INSERT INTO objects(bucket, key, size, modified, etag, storage_class, checksum, body, properties, "
      "tags, "
      "parts, version, seq, extras) "
      "SELECT bucket, key, size, modified, etag, storage_class, checksum, body, properties, tags, parts, "
      "nullif(version, ''), seq, extras FROM versions WHERE bucket = ?1 AND key = ?2 AND marker = 0 AND "
      "seq = (SELECT max(seq) FROM versions WHERE bucket = ?1 AND key = ?2) AND "
      "NOT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1 AND key = ?2)");
  TRY(copy.bind(1, bucket).bind_blob(2, key).run());
  if (db.changes() == 0) return {};
  auto gone = db.prepare(
      "DELETE FROM versions WHERE bucket = ?1 AND key = ?2 AND "
      "seq = (SELECT max(seq) FROM versions WHERE bucket = ?1 AND key = ?2)");
  return gone.bind(1, bucket).bind_blob(2, key).run();
}

/// Makes room for a newer version of the key and gives its number.
Result<std::int64_t> make_room(Connection& db, std::int64_t bucket, std::string_view key,
                               std::string_view version, Freed& freed) {
  TRY(const auto seq, next_seq(db, bucket, key));
  if (version.empty()) {
    TRY(const bool replaced, drop_version(db, bucket, key, version, freed));
    (void)replaced;
  }
  TRY(retire_current(db, bucket, key));
  return seq;
}

}  // namespace

Status put_version(Connection& db, const Bucket& bucket, ObjectRow& row, Freed& freed) {
  if (bucket.versioning == Versioning::kNever && row.version.empty())
    return put_object(db, bucket.id, row, freed);
  TRY(row.seq, make_room(db, bucket.id, row.key, row.version, freed));
  return insert_object(db, bucket.id, row);
}

Status put_marker(Connection& db, std::int64_t bucket, std::string_view key, std::string_view version,
                  WallTime now, Freed& freed) {
  TRY(const auto seq, make_room(db, bucket, key, version, freed));
  auto insert = db.prepare(
      "INSERT INTO versions(bucket, key, seq, version, marker, size, modified, etag, storage_class, "
      "checksum, "
      "body, properties) VALUES (?, ?, ?, ?, 1, 0, ?, '', 'STANDARD', '', 0, x'')");
  insert.bind(1, bucket).bind_blob(2, key).bind(3, seq).bind(4, version).bind(5, to_millis(now));
  return insert.run();
}

Result<bool> delete_version(Connection& db, std::int64_t bucket, std::string_view key,
                            std::string_view version, Freed& freed) {
  TRY(const bool found, drop_version(db, bucket, key, version, freed));
  if (found) TRY(promote_newest(db, bucket, key));
  return found;
}

Result<std::optional<ObjectRow>> find_version(Connection& db, std::int64_t bucket, std::string_view key,
                                              std::string_view version, InlineBody* body) {
  TRY(auto current, find_object(db, bucket, key, body));
  if (current && current->version == version) return std::move(*current);
  if (body != nullptr) *body = {};
  auto query = db.prepare(
      "SELECT size, modified, etag, storage_class, checksum, body, properties, tags, parts, version, extras, "
      "seq, marker FROM versions WHERE bucket = ? AND key = ? AND version = ?");
  TRY(const bool found, query.bind(1, bucket).bind_blob(2, key).bind(3, version).step());
  if (!found) return std::nullopt;
  auto row = object_from(query, key);
  row.marker = query.integer(12) != 0;
  if (body != nullptr && row.body != 0) {
    TRY(body->bytes, inline_bytes(db, row.body, body->in_ledger));
  }
  return row;
}

Result<std::optional<ObjectRow>> hiding_marker(Connection& db, std::int64_t bucket, std::string_view key) {
  auto query = db.prepare(
      "SELECT version, marker, modified, seq FROM versions WHERE bucket = ?1 AND key = ?2 AND "
      "NOT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1 AND key = ?2) ORDER BY seq DESC LIMIT 1");
  TRY(const bool found, query.bind(1, bucket).bind_blob(2, key).step());
  if (!found || query.integer(1) == 0) return std::nullopt;
  ObjectRow row;
  row.key = key;
  row.version = query.text(0);
  row.marker = true;
  row.modified = from_millis(query.integer(2));
  row.seq = query.integer(3);
  return row;
}

namespace {

/// Sets one column of a version, in whichever table it lies. False when there is none.
Result<bool> set_column(Statement current, Statement older, std::int64_t bucket, std::string_view key,
                        std::string_view version, std::string_view bytes) {
  for (auto* update : {&current, &older}) {
    bytes.empty() ? update->bind_null(1) : update->bind_blob(1, bytes);
    TRY(const bool found, update->bind(2, bucket).bind_blob(3, key).bind(4, version).step());
    if (found) return true;
  }
  return false;
}

}  // namespace

Result<bool> set_version_tags(Connection& db, std::int64_t bucket, std::string_view key,
                              std::string_view version, std::string_view tags) {
  return set_column(
      db.prepare("UPDATE objects SET tags = ? WHERE bucket = ? AND key = ? AND "
                 "coalesce(version, '') = ? RETURNING 1"),
      db.prepare("UPDATE versions SET tags = ? WHERE bucket = ? AND key = ? AND version = ? AND "
                 "marker = 0 RETURNING 1"),
      bucket, key, version, tags);
}

Status set_version_extras(Connection& db, std::int64_t bucket, std::string_view key, std::string_view version,
                          std::string_view extras) {
  TRY(const bool found,
      set_column(db.prepare("UPDATE objects SET extras = ? WHERE bucket = ? AND key = ? AND "
                            "coalesce(version, '') = ? RETURNING 1"),
                 db.prepare("UPDATE versions SET extras = ? WHERE bucket = ? AND key = ? AND version = ? AND "
                            "marker = 0 RETURNING 1"),
                 bucket, key, version, extras));
  if (!found) return Error(ErrorKind::kNotFound, "no such version");
  return {};
}

}  // namespace sagelet::storage
