#include "server/storage/object_rows.hpp"

#include <algorithm>
#include <array>

#include "server/storage/pairs.hpp"

namespace sagelet::storage {

namespace {

/// Kinds with a bit in buckets.settings. Their order is on disk.
constexpr std::array<std::string_view, 12> kKinds = {
    "tags",      "encryption", "public-access-block", "object-lock",  "policy",  "acl",
    "ownership", "cors",       "lifecycle",           "notification", "website", "logging"};

/// 0: a kind without a bit.
std::uint32_t bit_of(std::string_view kind) {
  const auto at = std::find(kKinds.begin(), kKinds.end(), kind);
  return at == kKinds.end() ? 0 : 1u << (at - kKinds.begin());
}

Bucket bucket_from(const Statement& row) {
  Bucket bucket;
  bucket.id = row.integer(0);
  bucket.name = row.text(1);
  bucket.account = row.text(2);
  bucket.region = row.text(3);
  bucket.created = from_millis(row.integer(4));
  bucket.versioning = static_cast<Versioning>(row.integer(5));
  bucket.settings = static_cast<std::uint32_t>(row.integer(6));
  return bucket;
}

Statement& bind_optional(Statement& statement, int position, std::string_view bytes) {
  return bytes.empty() ? statement.bind_null(position) : statement.bind_blob(position, bytes);
}

}  // namespace

// ---- buckets ----

bool Bucket::has(std::string_view kind) const {
  const auto bit = bit_of(kind);
  return bit == 0 || (settings & bit) != 0;
}

Result<std::optional<Bucket>> find_bucket(Connection& db, std::string_view name) {
  auto query = db.prepare(
      "SELECT id, name, account, region, created, versioning, settings FROM buckets WHERE name = ?");
  TRY(const bool found, query.bind(1, name).step());
  if (!found) return std::nullopt;
  return bucket_from(query);
}

Status insert_bucket(Connection& db, Bucket& bucket) {
  auto insert = db.prepare("INSERT INTO buckets(name, account, region, created) VALUES (?, ?, ?, ?)");
  TRY(insert.bind(1, bucket.name)
          .bind(2, bucket.account)
          .bind(3, bucket.region)
          .bind(4, to_millis(bucket.created))
          .run());
  bucket.id = db.last_row_id();
  return {};
}

Status delete_bucket(Connection& db, std::int64_t bucket) {
  TRY(db.prepare("DELETE FROM bucket_settings WHERE bucket = ?").bind(1, bucket).run());
  return db.prepare("DELETE FROM buckets WHERE id = ?").bind(1, bucket).run();
}

Status set_versioning(Connection& db, std::int64_t bucket, Versioning versioning) {
  return db.prepare("UPDATE buckets SET versioning = ? WHERE id = ?")
      .bind(1, static_cast<std::int64_t>(versioning))
      .bind(2, bucket)
      .run();
}

Result<std::vector<Bucket>> buckets_of(Connection& db, std::string_view account) {
  auto query = db.prepare(
      "SELECT id, name, account, region, created, versioning, settings FROM buckets WHERE account = ? ORDER "
      "BY name");
  query.bind(1, account);
  std::vector<Bucket> buckets;
  while (true) {
    TRY(const bool more, query.step());
    if (!more) return buckets;
    buckets.push_back(bucket_from(query));
  }
}

Result<std::optional<std::string>> find_setting(Connection& db, std::int64_t bucket, std::string_view kind) {
  auto query = db.prepare("SELECT value FROM bucket_settings WHERE bucket = ? AND kind = ?");
  TRY(const bool found, query.bind(1, bucket).bind(2, kind).step());
  if (!found) return std::nullopt;
  return std::string(query.blob(0));
}

Status put_setting(Connection& db, std::int64_t bucket, std::string_view kind, std::string_view value) {
  auto insert = db.prepare("INSERT OR REPLACE INTO bucket_settings(bucket, kind, value) VALUES (?, ?, ?)");
  TRY(insert.bind(1, bucket).bind(2, kind).bind_blob(3, value).run());
  auto mark = db.prepare("UPDATE buckets SET settings = settings | ? WHERE id = ?");
  return mark.bind(1, bit_of(kind)).bind(2, bucket).run();
}

Status delete_setting(Connection& db, std::int64_t bucket, std::string_view kind) {
  auto remove = db.prepare("DELETE FROM bucket_settings WHERE bucket = ? AND kind = ?");
  TRY(remove.bind(1, bucket).bind(2, kind).run());
  auto mark = db.prepare("UPDATE buckets SET settings = settings & ~? WHERE id = ?");
  return mark.bind(1, bit_of(kind)).bind(2, bucket).run();
}

Result<std::vector<BucketSetting>> settings_of_kind(Connection& db, std::string_view kind) {
  auto query = db.prepare(
      "SELECT id, name, account, region, created, versioning, settings, value FROM bucket_settings "
      "JOIN buckets ON buckets.id = bucket_settings.bucket WHERE kind = ?");
  query.bind(1, kind);
  std::vector<BucketSetting> all;
  while (true) {
    TRY(const bool more, query.step());
    if (!more) return all;
    all.push_back({bucket_from(query), std::string(query.blob(7))});
  }
}

// ---- parts ----

std::string pack_parts(const std::vector<PartRef>& parts) {
  std::string packed;
  for (const auto& part : parts) {
    put_number(packed, part.number);
    put_number(packed, part.size);
    put_number(packed, static_cast<std::uint64_t>(part.body));
    put_bytes(packed, part.checksum);
  }
  return packed;
}

std::vector<PartRef> unpack_parts(std::string_view bytes) {
  std::vector<PartRef> parts;
  while (!bytes.empty()) {
    const auto number = take_number(bytes);
    const auto size = number ? take_number(bytes) : std::nullopt;
    const auto body = size ? take_number(bytes) : std::nullopt;
    const auto checksum = body ? take_bytes(bytes) : std::nullopt;
    if (!checksum) break;
    parts.push_back(
        {static_cast<std::uint32_t>(*number), *size, static_cast<BodyId>(*body), std::string(*checksum)});
  }
  return parts;
}

// ---- objects ----

ObjectRow object_from(const Statement& row, std::string_view key) {
  ObjectRow object;
  object.key = key;
  object.size = static_cast<std::uint64_t>(row.integer(0));
  object.modified = from_millis(row.integer(1));
  object.etag = row.text(2);
  object.storage_class = row.text(3);
  object.checksum = row.text(4);
  object.body = row.integer(5);
  object.properties = row.blob(6);
  object.tags = row.blob(7);
  object.parts = row.blob(8);
  object.version = row.text(9);
  object.extras = row.blob(10);
  object.seq = row.integer(11);
  return object;
}

Result<std::optional<ObjectRow>> find_object(Connection& db, std::int64_t bucket, std::string_view key,
                                             InlineBody* body) {
  static constexpr const char* kHead =
      "SELECT size, modified, etag, storage_class, checksum, body, properties, tags, parts, version, "
      "extras, seq FROM objects WHERE bucket = ? AND key = ?";
  static constexpr const char* kWithBytes =
      "SELECT size, modified, etag, storage_class, checksum, body, properties, tags, parts, version, "
      "extras, seq, bodies.bytes FROM objects LEFT JOIN bodies ON bodies.id = objects.body WHERE bucket = ? "
      "AND "
      "key = ?";
  auto query = db.prepare(body == nullptr ? kHead : kWithBytes);
  TRY(const bool found, query.bind(1, bucket).bind_blob(2, key).step());
  if (!found) return std::nullopt;
  if (body != nullptr && !query.is_null(12)) {
    body->in_ledger = true;
    body->bytes = query.blob(12);
  }
  return object_from(query, key);
}

Status put_object(Connection& db, std::int64_t bucket, const ObjectRow& row, Freed& freed) {
  {
    auto old = db.prepare("SELECT body, parts FROM objects WHERE bucket = ? AND key = ?");
    TRY(const bool found, old.bind(1, bucket).bind_blob(2, row.key).step());
    if (found) TRY(free_bodies(db, old.integer(0), old.blob(1), freed));
  }
  return insert_object(db, bucket, row);
}

Status insert_object(Connection& db, std::int64_t bucket, const ObjectRow& row) {
  auto insert = db.prepare(
      "INSERT OR REPLACE INTO objects(bucket, key, size, modified, etag, storage_class, checksum, body, "
      "properties, tags, parts, version, seq, extras) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, bucket).bind_blob(2, row.key).bind(3, row.size).bind(4, to_millis(row.modified));
  insert.bind(5, row.etag).bind(6, row.storage_class).bind(7, row.checksum).bind(8, row.body);
  insert.bind_blob(9, row.properties);
  bind_optional(insert, 10, row.tags);
  bind_optional(insert, 11, row.parts);
  row.version.empty() ? insert.bind_null(12) : insert.bind(12, row.version);
  insert.bind(13, row.seq);
  bind_optional(insert, 14, row.extras);
  return insert.run();
}

Result<bool> free_deleted(Connection& db, Statement query, Freed& freed) {
  TRY(const bool found, query.step());
  if (!found) return false;
  const auto body = query.integer(0);
  const std::string parts(query.blob(1));
  TRY(const bool more, query.step());
  (void)more;
  TRY(free_bodies(db, body, parts, freed));
  return true;
}

Result<bool> delete_object(Connection& db, std::int64_t bucket, std::string_view key, Freed& freed) {
  auto query = db.prepare("DELETE FROM objects WHERE bucket = ? AND key = ? RETURNING body, parts");
  query.bind(1, bucket).bind_blob(2, key);
  return free_deleted(db, std::move(query), freed);
}

Result<bool> set_object_tags(Connection& db, std::int64_t bucket, std::string_view key,
                             std::string_view tags) {
  auto update = db.prepare("UPDATE objects SET tags = ? WHERE bucket = ? AND key = ?");
  bind_optional(update, 1, tags);
  TRY(update.bind(2, bucket).bind_blob(3, key).run());
  return db.changes() > 0;
}

Result<bool> bucket_holds_objects(Connection& db, std::int64_t bucket) {
  TRY(const bool current,
      db.prepare("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1").bind(1, bucket).step());
  if (current) return true;
  return db.prepare("SELECT 1 FROM versions WHERE bucket = ? LIMIT 1").bind(1, bucket).step();
}

// ---- bodies ----

Status free_bodies(Connection& db, BodyId body, std::string_view parts, Freed& freed) {
  if (body != 0) TRY(free_body(db, body, freed));
  for (const auto& part : unpack_parts(parts))
    if (part.body != 0) TRY(free_body(db, part.body, freed));
  return {};
}

Status insert_body(Connection& db, BodyId id, const std::string* bytes) {
  auto insert = db.prepare("INSERT INTO bodies(id, bytes) VALUES (?, ?)");
  insert.bind(1, id);
  if (bytes == nullptr) return insert.bind_null(2).run();
  return insert.bind_blob(2, *bytes).run();
}

Status free_body(Connection& db, BodyId id, Freed& freed) {
  auto query = db.prepare("DELETE FROM bodies WHERE id = ? RETURNING bytes IS NULL");
  TRY(const bool found, query.bind(1, id).step());
  if (!found) return {};
  if (query.integer(0) != 0) freed.push_back(id);
  TRY(const bool more, query.step());
  (void)more;
  return {};
}

Result<bool> body_exists(Connection& db, BodyId id) {
  return db.prepare("SELECT 1 FROM bodies WHERE id = ?").bind(1, id).step();
}

Result<std::string> inline_bytes(Connection& db, BodyId id, bool& in_ledger) {
  auto query = db.prepare("SELECT bytes FROM bodies WHERE id = ?");
  TRY(const bool found, query.bind(1, id).step());
  if (!found) return Error(ErrorKind::kNotFound, "the bytes of an object are gone");
  in_ledger = !query.is_null(0);
  return std::string(query.blob(0));
}

Result<BodyId> highest_body(Connection& db) {
  auto query = db.prepare("SELECT coalesce(max(id), 0) FROM bodies");
  TRY(const bool row, query.step());
  return row ? query.integer(0) : 0;
}

}  // namespace sagelet::storage
