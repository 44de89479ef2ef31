#pragma once
// The ledger's rows of repositories, manifests, tags and blobs (docs/formats/images.md). Plain functions on a
// Connection: the store composes them in one read or one change.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "server/images/manifest.hpp"
#include "server/images/names.hpp"
#include "server/storage/object_rows.hpp"

namespace sagelet::images {

using storage::Connection;

struct Repository {
  std::int64_t id = 0;
  Registry registry;
  std::string name;
  WallTime created;
  bool immutable = false;           ///< tags may not be moved
  std::vector<std::string> exempt;  ///< globs of tags for which `immutable` is the other way round
  std::string settings = "{}";      ///< a JSON object that only the service reads

  bool may_move(std::string_view tag) const;
};

struct ManifestRow {
  ContentDigest digest;
  std::string media_type, artifact_type, subject, annotations;
  std::uint64_t image_size = 0;
  WallTime pushed, pulled;  ///< pulled: 0 for never
  std::string bytes;        ///< not filled by lists
};

struct BlobRow {
  ContentDigest digest;
  std::uint64_t size = 0;
};

// Repositories
Result<std::optional<Repository>> find_repository(Connection& db, const Registry& registry,
                                                  std::string_view name);
Result<bool> any_repository(Connection& db);
Status insert_repository(Connection& db, Repository& repository);
Status update_repository(Connection& db, const Repository& repository);
/// With every row of it; the blobs' bytes are the store's affair.
Status delete_repository(Connection& db, std::int64_t repository);
/// By name, after `after`.
Result<std::vector<Repository>> repositories_of(Connection& db, const Registry& registry,
                                                std::string_view after, std::size_t limit);
Result<bool> registry_is_used(Connection& db, std::string_view account);
Result<bool> holds_manifests(Connection& db, std::int64_t repository);

// Manifests and tags
Result<std::optional<ManifestRow>> find_manifest(Connection& db, std::int64_t repository,
                                                 const ContentDigest& digest);
/// What the manifest uses (blobs, manifests) is written too.
Status insert_manifest(Connection& db, std::int64_t repository, const ManifestRow& row,
                       const std::vector<ContentDigest>& uses);
Status delete_manifest(Connection& db, std::int64_t repository, const ContentDigest& digest);
Status set_pulled(Connection& db, std::int64_t repository, const ContentDigest& digest, WallTime when);
/// Without bytes, in the order they were pushed.
Result<std::vector<ManifestRow>> manifests_of(Connection& db, std::int64_t repository);
/// Those whose subject is `subject`; with bytes' length as image_size.
Result<std::vector<ManifestRow>> referrers_of(Connection& db, std::int64_t repository,
                                              const ContentDigest& subject);

Result<std::optional<ContentDigest>> find_tag(Connection& db, std::int64_t repository, std::string_view tag);
Status put_tag(Connection& db, std::int64_t repository, std::string_view tag, const ContentDigest& digest);
Result<bool> delete_tag(Connection& db, std::int64_t repository, std::string_view tag);
Result<std::vector<std::string>> tags_of_manifest(Connection& db, std::int64_t repository,
                                                  const ContentDigest& digest);
/// In order, after `after`.
Result<std::vector<std::string>> tags_of(Connection& db, std::int64_t repository, std::string_view after,
                                         std::size_t limit);

// Blobs
Result<std::optional<BlobRow>> find_blob(Connection& db, std::int64_t repository,
                                         const ContentDigest& digest);
/// In any repository of the registry.
Result<std::optional<BlobRow>> find_blob(Connection& db, const Registry& registry,
                                         const ContentDigest& digest);
Status link_blob(Connection& db, std::int64_t repository, const BlobRow& blob, WallTime now);
Status unlink_blob(Connection& db, std::int64_t repository, const ContentDigest& digest);
/// A manifest of the repository that names `digest` (an image its blobs, an index its manifests); empty when
/// none does.
Result<std::string> image_that_uses(Connection& db, std::int64_t repository, const ContentDigest& digest);
/// Is it linked in any repository of any registry?
Result<bool> blob_is_linked(Connection& db, const ContentDigest& digest);
Result<std::vector<ContentDigest>> blobs_of_manifest(Connection& db, std::int64_t repository,
                                                     const ContentDigest& manifest);
Result<std::vector<ContentDigest>> blobs_of(Connection& db, std::int64_t repository);
/// Linked before `before` and used by no image.
struct LooseBlob {
  std::int64_t repository = 0;
  ContentDigest digest;
};
Result<std::vector<LooseBlob>> loose_blobs(Connection& db, WallTime before);

}  // namespace sagelet::images
