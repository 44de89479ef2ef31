#pragma once
// The body of PutObject and UploadPart on its way in: staged while all its digests are computed, once.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/md5_lanes.hpp"
#include "server/services/s3/access/claim.hpp"
#include "server/services/s3/checksums.hpp"
#include "server/services/service.hpp"
#include "server/storage/bodies.hpp"
#include "server/storage/object_rows.hpp"

namespace sagelet::s3 {

constexpr std::uint64_t kMostBytes = 5ull << 30;  ///< of one PutObject or part

/// A bucket that may be written, with what its new objects take from it.
struct Writable {
  Permit permit;
  ObjectAcl acl;                           ///< of the new object
  std::optional<std::string> encryption;   ///< its default, as JSON
  std::optional<std::string> object_lock;  ///< its configuration, as JSON; none: it takes no locks
};

/// What must be computed over a body, and what it must match.
struct BodyPlan {
  std::optional<std::string> content_md5;  ///< raw, 16 bytes
  std::string payload_sha256;              ///< hex, signed; or empty
  std::optional<ChecksumKind> checksum;
  std::string expected_checksum;        ///< base64; empty: nothing to compare with (yet)
  std::optional<std::uint64_t> length;  ///< decoded, when the client said it
  std::uint64_t least = 0, most = kMostBytes;

  /// From the members bound to headers. `otherwise` is computed when the request names no checksum.
  static Reply<BodyPlan> from(const Context& context, const Document& params,
                              std::optional<std::uint64_t> length, std::optional<ChecksumKind> otherwise);
};

/// What a body turned out to be.
struct Digested {
  std::string md5_hex;
  std::string md5_raw;
  std::optional<StoredChecksum> checksum;
};

/// Thread: whichever feeds it, one at a time.
class Upload final : public TrailerSink {
 public:
  /// `target` was judged before the body came. Large bodies get their MD5 from `lanes`.
  Upload(storage::Staged staged, BodyPlan plan, Writable target, Md5Lanes& lanes);
  /// Never fails: a client that is cut off in the middle of its body would not read the answer.
  Status write(std::string_view bytes) override;
  void trailers(const std::vector<std::pair<std::string, std::string>>& fields) override;

  /// Ends the body and compares it with all that was promised: BadDigest, XAmzContentSHA256Mismatch,
  /// IncompleteBody, EntityTooLarge, EntityTooSmall. Once.
  Reply<Digested> finish();
  storage::Staged take() { return std::move(staged_); }
  std::uint64_t size() const { return size_; }
  Writable& target() { return target_; }

 private:
  Reply<void> compare(const Digested& digested, const std::string& payload_sha256) const;

  storage::Staged staged_;
  BodyPlan plan_;
  Writable target_;
  Md5 md5_;
  std::unique_ptr<Md5Lanes::Stream> md5_beside_;  ///< instead, for large bodies
  std::optional<Digest> payload_;
  std::optional<Checksum> checksum_;
  std::uint64_t size_ = 0;
  std::optional<Error> failure_;  ///< of staging: the body is read to its end, finish() says it
};

}  // namespace sagelet::s3
