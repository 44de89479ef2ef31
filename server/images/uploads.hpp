#pragma once
// Blobs on their way in. They live in memory and unnamed files: a server that ends forgets them, and clients
// start again.
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/ids.hpp"
#include "server/images/names.hpp"
#include "server/images/refused.hpp"
#include "server/storage/bodies.hpp"

namespace sagelet::images {

class Uploads;

/// One blob's bytes, hashed as they come. Fed by whoever holds its lease.
struct Upload {
  std::string id;
  Registry registry;
  std::string repository;
  storage::Staged staged;
  Digest sha256{DigestKind::kSha256};
  std::optional<Error> failure;  ///< of the disk: what came after it is not kept
  SteadyTime used;
  bool busy = false;
};

/// The right to feed an upload, alone, until it goes. What was written stays for the next one.
class UploadLease {
 public:
  UploadLease(UploadLease&&) noexcept = default;
  UploadLease& operator=(UploadLease&& other) noexcept;
  ~UploadLease();

  const std::string& id() const { return upload_->id; }
  std::uint64_t size() const { return upload_->staged.size(); }
  /// Never fails in the middle of a body: the failure is said by ok() and finish().
  void write(std::string_view bytes);
  Outcome<void> ok() const;

  /// Ends the upload: its bytes, if they are what `digest` says (kDigestDiffers). It is gone either way.
  Outcome<storage::Staged> finish(const ContentDigest& digest);
  /// The same without comparing.
  void drop();

 private:
  friend class Uploads;
  UploadLease(Uploads& uploads, std::shared_ptr<Upload> upload)
      : uploads_(&uploads), upload_(std::move(upload)) {}
  Uploads* uploads_;
  std::shared_ptr<Upload> upload_;
};

/// Thread-safe.
class Uploads {
 public:
  static constexpr std::size_t kMost = 1000;
  static constexpr std::chrono::hours kKept{1};  ///< without a request

  Uploads(const Clock& clock, Ids& ids) : clock_(clock), ids_(ids) {}

  /// kTooManyUploads.
  Outcome<UploadLease> start(const Registry& registry, std::string_view repository, storage::Staged staged);
  /// kNoUpload, kUploadBusy. An id is good in its own repository only.
  Outcome<UploadLease> take(const Registry& registry, std::string_view repository, std::string_view id);
  void clear();
  std::size_t count() const;

 private:
  friend class UploadLease;
  void give_back(const std::shared_ptr<Upload>& upload);
  void remove(const std::shared_ptr<Upload>& upload);
  void drop_idle();

  const Clock& clock_;
  Ids& ids_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Upload>, std::less<>> uploads_;
};

}  // namespace sagelet::images
