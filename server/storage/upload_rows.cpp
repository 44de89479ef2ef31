#include "server/storage/upload_rows.hpp"

#include <algorithm>

namespace sagelet::storage {

namespace {

Statement& bind_optional(Statement& statement, int position, std::string_view bytes) {
  return bytes.empty() ? statement.bind_null(position) : statement.bind_blob(position, bytes);
}

}  // namespace

Status insert_upload(Connection& db, std::int64_t bucket, const UploadRow& upload) {
  auto insert = db.prepare(
      "INSERT INTO uploads(bucket, key, id, started, storage_class, checksum, properties, tags, extras) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, bucket).bind_blob(2, upload.key).bind(3, upload.id).bind(4, to_millis(upload.started));
  insert.bind(5, upload.storage_class).bind(6, upload.checksum).bind_blob(7, upload.properties);
  bind_optional(insert, 8, upload.tags);
  return bind_optional(insert, 9, upload.extras).run();
}

Result<std::optional<UploadRow>> find_upload(Connection& db, std::int64_t bucket, std::string_view key,
                                             std::string_view id) {
  auto query = db.prepare(
      "SELECT started, storage_class, checksum, properties, tags, extras FROM uploads "
      "WHERE bucket = ? AND key = ? AND id = ?");
  TRY(const bool found, query.bind(1, bucket).bind_blob(2, key).bind(3, id).step());
  if (!found) return std::nullopt;
  UploadRow upload;
  upload.key = key;
  upload.id = id;
  upload.started = from_millis(query.integer(0));
  upload.storage_class = query.text(1);
  upload.checksum = query.text(2);
  upload.properties = query.blob(3);
  upload.tags = query.blob(4);
  upload.extras = query.blob(5);
  return upload;
}

Result<bool> bucket_holds_uploads(Connection& db, std::int64_t bucket) {
  return db.prepare("SELECT 1 FROM uploads WHERE bucket = ? LIMIT 1").bind(1, bucket).step();
}

Status put_part(Connection& db, std::string_view upload, const PartRow& part, Freed& freed) {
  {
    auto old = db.prepare("SELECT body FROM parts WHERE upload = ? AND number = ?");
    TRY(const bool found, old.bind(1, upload).bind(2, part.number).step());
    if (found && old.integer(0) != 0) TRY(free_body(db, old.integer(0), freed));
  }
  auto insert = db.prepare(
      "INSERT OR REPLACE INTO parts(upload, number, size, modified, etag, checksum, body) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, upload).bind(2, part.number).bind(3, part.size).bind(4, to_millis(part.modified));
  return insert.bind(5, part.etag).bind(6, part.checksum).bind(7, part.body).run();
}

Result<std::vector<PartRow>> parts_of(Connection& db, std::string_view upload, std::uint32_t after,
                                      std::size_t limit) {
  auto query = db.prepare(
      "SELECT number, size, modified, etag, checksum, body FROM parts WHERE upload = ? AND number > ? "
      "ORDER BY number LIMIT ?");
  query.bind(1, upload).bind(2, after).bind(3, limit);
  std::vector<PartRow> parts;
  while (true) {
    TRY(const bool more, query.step());
    if (!more) return parts;
    PartRow part;
    part.number = static_cast<std::uint32_t>(query.integer(0));
    part.size = static_cast<std::uint64_t>(query.integer(1));
    part.modified = from_millis(query.integer(2));
    part.etag = query.text(3);
    part.checksum = query.text(4);
    part.body = query.integer(5);
    parts.push_back(std::move(part));
  }
}

Status delete_upload(Connection& db, std::int64_t bucket, std::string_view key, std::string_view id,
                     const std::vector<BodyId>& keep, Freed& freed) {
  TRY(const auto parts, parts_of(db, id, 0, SIZE_MAX >> 1));
  for (const auto& part : parts)
    if (part.body != 0 && !std::binary_search(keep.begin(), keep.end(), part.body))
      TRY(free_body(db, part.body, freed));
  TRY(db.prepare("DELETE FROM parts WHERE upload = ?").bind(1, id).run());
  auto remove = db.prepare("DELETE FROM uploads WHERE bucket = ? AND key = ? AND id = ?");
  return remove.bind(1, bucket).bind_blob(2, key).bind(3, id).run();
}

Status delete_uploads(Connection& db, std::int64_t bucket, Freed& freed) {
  std::vector<std::pair<std::string, std::string>> all;
  TRY(walk_uploads(db, bucket, "", "", [&](const UploadRow& upload) {
    all.emplace_back(upload.key, upload.id);
    return true;
  }));
  for (const auto& [key, id] : all) TRY(delete_upload(db, bucket, key, id, {}, freed));
  return {};
}

Status walk_uploads(Connection& db, std::int64_t bucket, std::string_view key, std::string_view id,
                    const std::function<bool(const UploadRow&)>& take) {
  auto query = db.prepare(
      "SELECT key, id, started, storage_class, checksum, extras FROM uploads "
      "WHERE bucket = ? AND (key, id) > (?, ?) ORDER BY key, id");
  query.bind(1, bucket).bind_blob(2, key).bind(3, id);
  while (true) {
    TRY(const bool more, query.step());
    if (!more) return {};
    UploadRow upload;
    upload.key = query.blob(0);
    upload.id = query.text(1);
    upload.started = from_millis(query.integer(2));
    upload.storage_class = query.text(3);
    upload.checksum = query.text(4);
    upload.extras = query.blob(5);
    if (!take(upload)) return {};
  }
}

}  // namespace sagelet::storage
