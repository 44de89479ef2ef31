// Blobs: bytes once by digest, linked by every repository that has them.
#include "fmt/format.h"
#include "server/images/store.hpp"

namespace sagelet::images {

namespace {

/// No bucket of S3 can have this name.
constexpr std::string_view kBucket = "registry:blobs";

Refused no_blob(const ContentDigest& digest) {
  return {Why::kNoBlob, fmt::format("no blob {} in this repository", digest.view())};
}

}  // namespace

Outcome<storage::Bucket> ImageStore::blob_bucket(Connection& db) {
  TRY(auto found, storage::find_bucket(db, kBucket));
  if (found) return std::move(*found);
  storage::Bucket made{.name = std::string(kBucket), .created = clock_.now()};
  TRY(storage::insert_bucket(db, made));
  return made;
}

/// The bytes that are there already stay: readers may have them open.
Outcome<void> ImageStore::keep_blob(Connection& db, const Repository& repository, const BlobRow& blob,
                                    storage::BodyId body, storage::Freed& freed) {
  TRY(const auto bucket, blob_bucket(db));
  TRY(const auto there, storage::find_object(db, bucket.id, blob.digest.view()));
  if (there) {
    if (body != 0) TRY(storage::free_body(db, body, freed));
  } else {
    storage::ObjectRow row;
    row.key = blob.digest.str();
    row.size = blob.size;
    row.modified = clock_.now();
    row.storage_class = "STANDARD";
    row.body = body;
    TRY(storage::put_object(db, bucket.id, row, freed));
  }
  TRY(link_blob(db, repository.id, blob, clock_.now()));
  return {};
}

Outcome<void> ImageStore::free_if_unlinked(Connection& db, const ContentDigest& digest,
                                           storage::Freed& freed) {
  TRY(const bool linked, blob_is_linked(db, digest));
  if (linked) return {};
  TRY(const auto bucket, blob_bucket(db));
  TRY(const bool gone, storage::delete_object(db, bucket.id, digest.view(), freed));
  (void)gone;
  return {};
}

/// Unless another image of the repository uses it.
Outcome<void> ImageStore::release_blob(Connection& db, std::int64_t repository, const ContentDigest& digest,
                                       storage::Freed& freed) {
  TRY(const auto user, image_that_uses(db, repository, digest));
  if (!user.empty()) return {};
  TRY(unlink_blob(db, repository, digest));
  return free_if_unlinked(db, digest, freed);
}

Outcome<BlobRow> ImageStore::blob(const Place& place, const ContentDigest& digest) {
  BlobRow found;
  TRY(read([&](Connection& db) -> Outcome<void> {
    TRY(const auto repository, require(db, place));
    TRY(auto row, find_blob(db, repository.id, digest));
    if (!row) return no_blob(digest);
    found = std::move(*row);
    return {};
  }));
  return found;
}

Outcome<ImageStore::OpenBlob> ImageStore::open_blob(const Place& place, const ContentDigest& digest) {
  TRY(auto row, blob(place, digest));
  TRY(auto found, objects_.find(kBucket, digest.view(), storage::ObjectStore::Want::kBytes));
  if (!found.object) return no_blob(digest);  // deleted in between
  return OpenBlob{std::move(row), std::move(*found.object)};
}

Outcome<void> ImageStore::mount(const Place& place, std::string_view from, const ContentDigest& digest) {
  return change([&](Connection& db, storage::BodyId, storage::Freed&) -> Outcome<void> {
    std::optional<BlobRow> row;
    if (from.empty()) {
      TRY(row, find_blob(db, place.registry, digest));
    } else {
      TRY(const auto source, find_repository(db, place.registry, from));
      if (source) {
        TRY(row, find_blob(db, source->id, digest));
      }
    }
    if (!row) return no_blob(digest);
    TRY(const auto repository, require_or_create(db, place, IfMissing::kCreate));
    TRY(link_blob(db, repository.id, *row, clock_.now()));
    return {};
  });
}

Outcome<void> ImageStore::delete_blob(const Place& place, const ContentDigest& digest) {
  return change([&](Connection& db, storage::BodyId, storage::Freed& freed) -> Outcome<void> {
    TRY(const auto repository, require(db, place));
    TRY(const auto row, find_blob(db, repository.id, digest));
    if (!row) return no_blob(digest);
    TRY(const auto user, image_that_uses(db, repository.id, digest));
    if (!user.empty())
      return Refused(Why::kBlobInUse, fmt::format("the image {} uses it: delete that first", user));
    return release_blob(db, repository.id, digest, freed);
  });
}

// ---- uploads ----

Outcome<UploadLease> ImageStore::start_upload(const Place& place) {
  if (!is_repository_name(place.repository))
    return Refused(Why::kBadName, fmt::format("\"{}\" is no repository name", place.repository));
  return uploads_.start(place.registry, place.repository, objects_.stage());
}

Outcome<UploadLease> ImageStore::upload(const Place& place, std::string_view id) {
  return uploads_.take(place.registry, place.repository, id);
}

Outcome<BlobRow> ImageStore::finish_upload(const Place& place, UploadLease lease, const ContentDigest& digest,
                                           IfMissing if_missing) {
  BlobRow blob{digest, lease.size()};
  TRY(auto staged, lease.finish(digest));
  const auto done = change(std::move(staged),
                           [&](Connection& db, storage::BodyId body, storage::Freed& freed) -> Outcome<void> {
                             TRY(const auto repository, require_or_create(db, place, if_missing));
                             return keep_blob(db, repository, blob, body, freed);
                           });
  TRY(done);
  return blob;
}

}  // namespace sagelet::images
