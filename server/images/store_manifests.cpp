// Manifests and tags: an image is taken only when everything it names is here.
#include <chrono>

#include "fmt/format.h"
#include "server/images/store.hpp"

namespace sagelet::images {

namespace {

constexpr std::chrono::minutes kPullNoted{1};

Refused no_manifest(const Place& place, const Reference& reference) {
  return {Why::kNoManifest, fmt::format("Requested image not found: {}{}{}", place.repository,
                                        reference.digest.empty() ? ":" : "@", reference.text())};
}

std::vector<ContentDigest> uses_of(const Manifest& manifest) {
  auto uses = manifest.blobs();
  for (const auto& child : manifest.manifests) uses.push_back(child.digest);
  return uses;
}

ManifestRow row_of(const Manifest& manifest, ContentDigest digest, std::string bytes, WallTime now) {
  ManifestRow row;
  row.digest = std::move(digest);
  row.media_type = manifest.media_type;
  row.artifact_type = manifest.artifact_type;
  if (manifest.subject) row.subject = manifest.subject->str();
  row.annotations = manifest.annotations;
  row.image_size = manifest.image_size();
  row.pushed = now;
  row.bytes = std::move(bytes);
  return row;
}

Outcome<ContentDigest> digest_of_reference(Connection& db, const Repository& repository, const Place& place,
                                           const Reference& reference) {
  if (!reference.digest.empty()) return reference.digest;
  TRY(auto tagged, find_tag(db, repository.id, reference.tag));
  if (!tagged) return no_manifest(place, reference);
  return std::move(*tagged);
}

}  // namespace

Outcome<void> ImageStore::check_uses(Connection& db, const Repository& repository, const Manifest& manifest) {
  std::vector<std::string> missing;
  for (const auto& digest : manifest.blobs()) {
    TRY(const auto blob, find_blob(db, repository.id, digest));
    if (!blob) missing.push_back(digest.str());
  }
  if (!missing.empty())
    return Refused(Why::kBlobsMissing, "the image names blobs that are not in this repository",
                   std::move(missing));
  for (const auto& child : manifest.manifests) {
    TRY(const auto row, find_manifest(db, repository.id, child.digest));
    if (!row) missing.push_back(child.digest.str());
  }
  if (!missing.empty())
    return Refused(Why::kManifestsMissing, "the index names manifests that are not in this repository",
                   std::move(missing));
  return {};
}

Outcome<Pushed> ImageStore::put_manifest(const Place& place, const Reference& reference,
                                         std::string_view media_type, std::string bytes,
                                         IfMissing if_missing) {
  auto parsed = parse_manifest(bytes, media_type);
  if (!parsed) return Refused(Why::kManifestInvalid, parsed.error().message());
  Pushed pushed{digest_of(bytes), parsed->subject, true};
  if (!reference.digest.empty() && reference.digest != pushed.digest)
    return Refused(Why::kDigestDiffers, fmt::format("the manifest has the digest {}, not {}",
                                                    pushed.digest.view(), reference.digest.view()));
  auto row = row_of(*parsed, pushed.digest, std::move(bytes), clock_.now());
  const auto done = change([&](Connection& db, storage::BodyId, storage::Freed&) -> Outcome<void> {
    pushed.was_there = true;
    TRY(const auto repository, require_or_create(db, place, if_missing));
    TRY(check_uses(db, repository, *parsed));
    TRY(const auto there, find_manifest(db, repository.id, row.digest));
    if (!there) {
      TRY(insert_manifest(db, repository.id, row, uses_of(*parsed)));
      pushed.was_there = false;
    }
    if (reference.tag.empty()) return {};
    TRY(const auto tagged, find_tag(db, repository.id, reference.tag));
    if (tagged && *tagged == row.digest) return {};
    if (tagged && !repository.may_move(reference.tag))
      return Refused(
          Why::kTagImmutable,
          fmt::format("The image tag '{}' already exists in the '{}' repository and cannot be overwritten "
                      "because the tag is immutable.",
                      reference.tag, place.repository));
    pushed.was_there = false;
    TRY(put_tag(db, repository.id, reference.tag, row.digest));
    return {};
  });
  TRY(done);
  return pushed;
}

Outcome<ManifestRow> ImageStore::manifest(const Place& place, const Reference& reference) {
  if (!any_repository_) return no_repository(place);  // each training job asks; most servers have none
  ManifestRow found;
  TRY(read([&](Connection& db) -> Outcome<void> {
    TRY(const auto repository, require(db, place));
    TRY(const auto digest, digest_of_reference(db, repository, place, reference));
    TRY(auto row, find_manifest(db, repository.id, digest));
    if (!row) return no_manifest(place, reference);
    found = std::move(*row);
    return {};
  }));
  return found;
}

void ImageStore::note_pull(const Place& place, const ManifestRow& row) {
  const auto now = clock_.now();
  if (now - row.pulled < kPullNoted) return;
  (void)objects_.ledger().commit([place, digest = row.digest, now](Connection& db) -> Status {
    TRY(const auto repository, find_repository(db, place.registry, place.repository));
    if (!repository) return {};
    return set_pulled(db, repository->id, digest, now);
  });
}

Outcome<void> ImageStore::delete_manifest(const Place& place, const ContentDigest& digest,
                                          bool even_if_used) {
  return change([&](Connection& db, storage::BodyId, storage::Freed& freed) -> Outcome<void> {
    TRY(const auto repository, require(db, place));
    TRY(const auto row, find_manifest(db, repository.id, digest));
    if (!row) return no_manifest(place, {{}, digest});
    TRY(const auto index, image_that_uses(db, repository.id, digest));
    if (!index.empty() && !even_if_used)
      return Refused(Why::kManifestInUse,
                     fmt::format("Requested image referenced by manifest list: [{}]", index), {index});
    TRY(const auto blobs, blobs_of_manifest(db, repository.id, digest));
    TRY(images::delete_manifest(db, repository.id, digest));
    for (const auto& blob : blobs) TRY(release_blob(db, repository.id, blob, freed));
    return {};
  });
}

Outcome<void> ImageStore::delete_tag(const Place& place, std::string_view tag) {
  return change([&](Connection& db, storage::BodyId, storage::Freed&) -> Outcome<void> {
    TRY(const auto repository, require(db, place));
    TRY(const bool gone, images::delete_tag(db, repository.id, tag));
    if (!gone) return no_manifest(place, {std::string(tag), {}});
    return {};
  });
}

Outcome<std::vector<std::string>> ImageStore::tags(const Place& place, std::string_view after,
                                                   std::size_t limit) {
  std::vector<std::string> found;
  TRY(read([&](Connection& db) -> Outcome<void> {
    TRY(const auto repository, require(db, place));
    TRY(found, tags_of(db, repository.id, after, limit));
    return {};
  }));
  return found;
}

Outcome<std::vector<Image>> ImageStore::images(const Place& place) {
  std::vector<Image> found;
  TRY(read([&](Connection& db) -> Outcome<void> {
    TRY(const auto repository, require(db, place));
    TRY(auto rows, manifests_of(db, repository.id));
    for (auto& row : rows) {
      TRY(auto tags, tags_of_manifest(db, repository.id, row.digest));
      found.push_back({std::move(row), std::move(tags)});
    }
    return {};
  }));
  return found;
}

Outcome<std::vector<ManifestRow>> ImageStore::referrers(const Place& place, const ContentDigest& subject) {
  std::vector<ManifestRow> found;
  TRY(read([&](Connection& db) -> Outcome<void> {
    TRY(const auto repository, find_repository(db, place.registry, place.repository));
    if (!repository) return {};
    TRY(found, referrers_of(db, repository->id, subject));
    return {};
  }));
  return found;
}

}  // namespace sagelet::images
