#include "server/storage/inventory.hpp"

#include "server/storage/version_rows.hpp"

namespace sagelet::storage {

namespace {

/// Columns 0 to 11 are object_from's; then bucket, its name, key.
Result<std::vector<HeldObject>> page_of(Statement query) {
  std::vector<HeldObject> page;
  while (true) {
    TRY(const bool more, query.step());
    if (!more) return page;
    HeldObject held;
    held.bucket.id = query.integer(12);
    held.bucket.name = query.text(13);
    held.row = object_from(query, query.blob(14));
    page.push_back(std::move(held));
  }
}

Result<std::vector<BodyId>> ids_of(Statement query, BodyId after) {
  query.bind(1, after).bind(2, kHeldPage);
  std::vector<BodyId> ids;
  while (true) {
    TRY(const bool more, query.step());
    if (!more) return ids;
    ids.push_back(query.integer(0));
  }
}

}  // namespace

Result<std::vector<HeldObject>> objects_after(Connection& db, const HeldAfter& after) {
  auto query = db.prepare(
      "SELECT size, modified, etag, storage_class, checksum, body, properties, tags, parts, version, extras, "
      "seq, bucket, (SELECT name FROM buckets WHERE id = bucket), key FROM objects "
      "WHERE (bucket, key) > (?, ?) ORDER BY bucket, key LIMIT ?");
  query.bind(1, after.bucket).bind_blob(2, after.key).bind(3, kHeldPage);
  return page_of(std::move(query));
}

Result<std::vector<HeldObject>> versions_after(Connection& db, const HeldAfter& after) {
  auto query = db.prepare(
      "SELECT size, modified, etag, storage_class, checksum, body, properties, tags, parts, version, extras, "
      "seq, bucket, (SELECT name FROM buckets WHERE id = bucket), key FROM versions "
      "WHERE (bucket, key, version) > (?, ?, ?) AND marker = 0 ORDER BY bucket, key, version LIMIT ?");
  query.bind(1, after.bucket).bind_blob(2, after.key).bind(3, after.version).bind(4, kHeldPage);
  return page_of(std::move(query));
}

Result<std::vector<HeldUpload>> uploads_after(Connection& db, const HeldAfter& after) {
  auto query = db.prepare(
      "SELECT bucket, (SELECT name FROM buckets WHERE id = bucket), key, id, checksum, properties FROM "
      "uploads "
      "WHERE (bucket, key, id) > (?, ?, ?) ORDER BY bucket, key, id LIMIT ?");
  query.bind(1, after.bucket).bind_blob(2, after.key).bind(3, after.version).bind(4, kHeldPage);
  std::vector<HeldUpload> page;
  while (true) {
    TRY(const bool more, query.step());
    if (!more) return page;
    HeldUpload held;
    held.bucket.id = query.integer(0);
    held.bucket.name = query.text(1);
    held.upload.key = query.blob(2);
    held.upload.id = query.text(3);
    held.upload.checksum = query.text(4);
    held.upload.properties = query.blob(5);
    TRY(held.parts, parts_of(db, held.upload.id, 0, SIZE_MAX >> 1));
    page.push_back(std::move(held));
  }
}

Result<bool> still_held(Connection& db, const HeldObject& object) {
  TRY(const auto now, find_version(db, object.bucket.id, object.row.key, object.row.version));
  return now && now->body == object.row.body && now->parts == object.row.parts;
}

Result<bool> still_held(Connection& db, const std::string& upload, const PartRow& part) {
  TRY(const auto now, parts_of(db, upload, part.number - 1, 1));
  return !now.empty() && now.front().number == part.number && now.front().body == part.body;
}

Result<std::vector<BodyId>> bodies_after(Connection& db, BodyId after) {
  return ids_of(db.prepare("SELECT id FROM bodies WHERE id > ? ORDER BY id LIMIT ?"), after);
}

Result<std::vector<BodyId>> files_after(Connection& db, BodyId after) {
  return ids_of(db.prepare("SELECT id FROM bodies WHERE id > ? AND bytes IS NULL ORDER BY id LIMIT ?"),
                after);
}

}  // namespace sagelet::storage
