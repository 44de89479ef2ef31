// Buckets, objects, uploads: docs/formats/objects.md.
#include "server/storage/migrations.hpp"

namespace sagelet::storage {

namespace {

constexpr const char* kFirst = R"sql(
CREATE TABLE buckets(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  created INTEGER NOT NULL
);
CREATE TABLE bucket_settings(
  bucket INTEGER NOT NULL,
  kind TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY(bucket, kind)
) WITHOUT ROWID;
CREATE TABLE objects(
  bucket INTEGER NOT NULL,
  key BLOB NOT NULL,
  size INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  etag TEXT NOT NULL,
  storage_class TEXT NOT NULL,
  checksum TEXT NOT NULL,
  body INTEGER NOT NULL,
  properties BLOB NOT NULL,
  tags BLOB,
  parts BLOB,
  PRIMARY KEY(bucket, key)
) WITHOUT ROWID;
CREATE TABLE bodies(
  id INTEGER PRIMARY KEY,
  bytes BLOB
);
CREATE TABLE uploads(
  bucket INTEGER NOT NULL,
  key BLOB NOT NULL,
  id TEXT NOT NULL,
  started INTEGER NOT NULL,
  storage_class TEXT NOT NULL,
  checksum TEXT NOT NULL,
  properties BLOB NOT NULL,
  tags BLOB,
  PRIMARY KEY(bucket, key, id)
) WITHOUT ROWID;
CREATE TABLE parts(
  upload TEXT NOT NULL,
  number INTEGER NOT NULL,
  size INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  etag TEXT NOT NULL,
  checksum TEXT NOT NULL,
  body INTEGER NOT NULL,
  PRIMARY KEY(upload, number)
) WITHOUT ROWID;
)sql";

constexpr const char* kVersions = R"sql(
ALTER TABLE buckets ADD COLUMN versioning INTEGER NOT NULL DEFAULT 0;
ALTER TABLE objects ADD COLUMN version TEXT;
ALTER TABLE objects ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE objects ADD COLUMN extras BLOB;
ALTER TABLE uploads ADD COLUMN extras BLOB;
CREATE TABLE versions(
  bucket INTEGER NOT NULL,
  key BLOB NOT NULL,
  seq INTEGER NOT NULL,
  version TEXT NOT NULL,
  marker INTEGER NOT NULL,
  size INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  etag TEXT NOT NULL,
  storage_class TEXT NOT NULL,
  checksum TEXT NOT NULL,
  body INTEGER NOT NULL,
  properties BLOB NOT NULL,
  tags BLOB,
  parts BLOB,
  extras BLOB,
  PRIMARY KEY(bucket, key, seq DESC)
) WITHOUT ROWID;
CREATE UNIQUE INDEX versions_by_name ON versions(bucket, key, version);
)sql";

/// Bits: object_rows.cpp.
constexpr const char* kSettings = R"sql(
ALTER TABLE buckets ADD COLUMN settings INTEGER NOT NULL DEFAULT 0;
UPDATE buckets SET settings = (
  SELECT coalesce(sum(CASE kind WHEN 'tags' THEN 1 WHEN 'encryption' THEN 2 WHEN 'public-access-block' THEN 4
                                WHEN 'object-lock' THEN 8 WHEN 'lifecycle' THEN 256 WHEN 'notification' THEN 512
                                ELSE 0 END), 0)
  FROM bucket_settings WHERE bucket = buckets.id);
)sql";

constexpr const char* kSteps[] = {kFirst, kVersions, kSettings};

}  // namespace

RoomSchema objects_schema() {
  return {"objects", kSteps};
}

}  // namespace sagelet::storage
