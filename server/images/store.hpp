#pragma once
// Container images, kept: repositories, manifests, tags, and blobs once by digest. What was acknowledged is
// there after a crash (docs/formats/images.md); an image never names bytes that are not here.
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "server/images/manifest.hpp"
#include "server/images/refused.hpp"
#include "server/images/rows.hpp"
#include "server/images/uploads.hpp"
#include "server/storage/objects.hpp"

namespace sagelet::images {

/// A repository of a registry, by name.
struct Place {
  Registry registry;
  std::string repository;
};

/// In ECR's words.
Refused no_repository(const Place& place);

/// What a push may do about a repository that is not there.
enum class IfMissing { kRefuse, kCreate };

struct Pushed {
  ContentDigest digest;
  std::optional<ContentDigest> subject;
  bool was_there = false;  ///< the manifest, and the tag on it if one was given
};

struct Image {
  ManifestRow manifest;
  std::vector<std::string> tags;
};

/// Thread-safe. Everything waits for the ledger: never on an I/O thread, but for uploads().
class ImageStore {
 public:
  ImageStore(storage::ObjectStore& objects, const Clock& clock, Ids& ids);

  // Repositories
  /// kBadName, kRepositoryExists. `like` has everything but id and time.
  Outcome<Repository> create_repository(Repository like);
  Outcome<Repository> repository(const Place& place);
  Outcome<std::vector<Repository>> repositories(const Registry& registry, std::string_view after,
                                                std::size_t limit);
  /// Reads, lets `change` alter mutability and settings, writes; one transaction.
  Outcome<Repository> update_repository(const Place& place,
                                        const std::function<Outcome<void>(Repository&)>& change);
  /// kRepositoryNotEmpty unless forced.
  Outcome<Repository> delete_repository(const Place& place, bool force);
  bool account_is_known(std::string_view account);

  // Manifests and tags
  /// kManifestInvalid, kDigestDiffers, kBlobsMissing, kManifestsMissing, kTagImmutable.
  Outcome<Pushed> put_manifest(const Place& place, const Reference& reference, std::string_view media_type,
                               std::string bytes, IfMissing if_missing);
  Outcome<ManifestRow> manifest(const Place& place, const Reference& reference);
  /// Notes that it was pulled, at most once a minute; nobody waits for it.
  void note_pull(const Place& place, const ManifestRow& row);
  /// The manifest, its tags, and the blobs that nothing else uses. kManifestInUse when an index names it,
  /// unless `even_if_used`.
  Outcome<void> delete_manifest(const Place& place, const ContentDigest& digest, bool even_if_used);
  Outcome<void> delete_tag(const Place& place, std::string_view tag);
  Outcome<std::vector<std::string>> tags(const Place& place, std::string_view after, std::size_t limit);
  Outcome<std::vector<Image>> images(const Place& place);
  /// Empty when the repository is not there either.
  Outcome<std::vector<ManifestRow>> referrers(const Place& place, const ContentDigest& subject);

  // Blobs
  Outcome<BlobRow> blob(const Place& place, const ContentDigest& digest);
  struct OpenBlob {
    BlobRow blob;
    storage::OpenObject object;
  };
  Outcome<OpenBlob> open_blob(const Place& place, const ContentDigest& digest);
  /// The blob of `from` (empty: of any repository of the registry) in `place` too. kNoBlob.
  Outcome<void> mount(const Place& place, std::string_view from, const ContentDigest& digest);
  Outcome<void> delete_blob(const Place& place, const ContentDigest& digest);

  // Uploads
  Outcome<UploadLease> start_upload(const Place& place);
  Outcome<UploadLease> upload(const Place& place, std::string_view id);
  /// kDigestDiffers.
  Outcome<BlobRow> finish_upload(const Place& place, UploadLease lease, const ContentDigest& digest,
                                 IfMissing if_missing);

  /// Drops blobs that were pushed long ago and that no image came to use.
  Status sweep();
  /// Forgets uploads; the ledger's rows go by its own clear().
  void clear() { uploads_.clear(); }

 private:
  using Change = std::function<Outcome<void>(Connection&, storage::BodyId, storage::Freed&)>;
  using Read = std::function<Outcome<void>(Connection&)>;
  Outcome<void> change(storage::Staged staged, const Change& work);
  Outcome<void> change(const Change& work) { return change(storage::Staged(), work); }
  Outcome<void> read(const Read& work);

  Outcome<Repository> require(Connection& db, const Place& place);
  Outcome<Repository> require_or_create(Connection& db, const Place& place, IfMissing if_missing);
  Outcome<storage::Bucket> blob_bucket(Connection& db);
  Outcome<void> keep_blob(Connection& db, const Repository& repository, const BlobRow& blob,
                          storage::BodyId body, storage::Freed& freed);
  Outcome<void> release_blob(Connection& db, std::int64_t repository, const ContentDigest& digest,
                             storage::Freed& freed);
  Outcome<void> free_if_unlinked(Connection& db, const ContentDigest& digest, storage::Freed& freed);
  Outcome<void> check_uses(Connection& db, const Repository& repository, const Manifest& manifest);

  storage::ObjectStore& objects_;
  const Clock& clock_;
  Uploads uploads_;
  std::atomic<bool> any_repository_{true};  ///< false: none is there, so nobody needs to look
};

}  // namespace sagelet::images
