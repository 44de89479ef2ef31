#pragma once
// The ledger's rows of multipart uploads and their parts.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/storage/object_rows.hpp"

namespace sagelet::storage {

struct UploadRow {
  std::string key;
  std::string id;
  WallTime started;
  std::string storage_class;
  std::string checksum;    ///< "<algorithm> <type>", or empty
  std::string properties;  ///< packed pairs, the object's to be
  std::string tags;
  std::string extras;  ///< packed pairs, the object's to be
};

struct PartRow {
  std::uint32_t number = 0;
  std::uint64_t size = 0;
  WallTime modified;
  std::string etag;      ///< without quotes
  std::string checksum;  ///< base64, or empty
  BodyId body = 0;
};

Status insert_upload(Connection& db, std::int64_t bucket, const UploadRow& upload);
Result<std::optional<UploadRow>> find_upload(Connection& db, std::int64_t bucket, std::string_view key,
                                             std::string_view id);
Result<bool> bucket_holds_uploads(Connection& db, std::int64_t bucket);

/// A part of the same number is replaced and its bytes freed.
Status put_part(Connection& db, std::string_view upload, const PartRow& part, Freed& freed);
/// Parts with numbers above `after`, in order, at most `limit`.
Result<std::vector<PartRow>> parts_of(Connection& db, std::string_view upload, std::uint32_t after,
                                      std::size_t limit);

/// The upload and its parts' records go; bodies in `keep` (sorted) stay, the others are freed.
Status delete_upload(Connection& db, std::int64_t bucket, std::string_view key, std::string_view id,
                     const std::vector<BodyId>& keep, Freed& freed);
/// All uploads of a bucket.
Status delete_uploads(Connection& db, std::int64_t bucket, Freed& freed);

/// Uploads in order of (key, id), strictly after (`key`, `id`) and with keys from `prefix` on, until `take`
/// says false.
Status walk_uploads(Connection& db, std::int64_t bucket, std::string_view key, std::string_view id,
                    const std::function<bool(const UploadRow&)>& take);

}  // namespace sagelet::storage
