// Container images: repositories, manifests, tags, blobs: docs/formats/images.md.
#include "server/storage/migrations.hpp"

namespace sagelet::storage {

namespace {

// The blobs' bytes are objects of the bucket "registry:blobs", by digest; image_blobs says which repository
// has them.
constexpr const char* kFirst = R"sql(
CREATE TABLE image_repositories(
  id INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  name TEXT NOT NULL,
  created INTEGER NOT NULL,
  immutable INTEGER NOT NULL DEFAULT 0,
  exempt TEXT NOT NULL DEFAULT '',
  settings TEXT NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX image_repositories_by_name ON image_repositories(account, region, name);
CREATE TABLE image_manifests(
  id INTEGER PRIMARY KEY,
  repository INTEGER NOT NULL,
  digest TEXT NOT NULL,
  media_type TEXT NOT NULL,
  artifact_type TEXT NOT NULL,
  subject TEXT NOT NULL,
  annotations TEXT NOT NULL,
  image_size INTEGER NOT NULL,
  pushed INTEGER NOT NULL,
  pulled INTEGER NOT NULL DEFAULT 0,
  bytes BLOB NOT NULL
);
CREATE UNIQUE INDEX image_manifests_by_digest ON image_manifests(repository, digest);
CREATE INDEX image_manifests_by_subject ON image_manifests(repository, subject) WHERE subject <> '';
CREATE TABLE image_tags(
  repository INTEGER NOT NULL,
  tag TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY(repository, tag)
) WITHOUT ROWID;
CREATE INDEX image_tags_by_digest ON image_tags(repository, digest);
CREATE TABLE image_uses(
  repository INTEGER NOT NULL,
  used TEXT NOT NULL,
  manifest TEXT NOT NULL,
  PRIMARY KEY(repository, used, manifest)
) WITHOUT ROWID;
CREATE INDEX image_uses_by_manifest ON image_uses(repository, manifest);
CREATE TABLE image_blobs(
  repository INTEGER NOT NULL,
  digest TEXT NOT NULL,
  size INTEGER NOT NULL,
  linked INTEGER NOT NULL,
  PRIMARY KEY(repository, digest)
) WITHOUT ROWID;
CREATE INDEX image_blobs_by_digest ON image_blobs(digest);
)sql";

constexpr const char* kSteps[] = {kFirst};

}  // namespace

RoomSchema images_schema() {
  return {"images", kSteps};
}

}  // namespace sagelet::storage
