#pragma once
// A store with objects whose records tell the truth about their bytes, as S3 writes them.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "fmt/format.h"
#include "server/services/s3/checksums.hpp"
#include "server/storage/objects.hpp"
#include "server/storage/upload_rows.hpp"
#include "server/storage/version_rows.hpp"

namespace sagelet::upkeep {

using storage::BodyId;
using storage::Connection;
using storage::Freed;

inline std::string etag_of(std::string_view bytes) {
  return to_hex(Digest::of(DigestKind::kMd5, bytes));
}

inline std::string sha_of(std::string_view bytes) {
  return to_base64(Digest::of(DigestKind::kSha256, bytes));
}

/// Bytes of that length that are all over the place.
inline std::string filler(std::size_t size, unsigned seed) {
  std::string out(size, '\0');
  std::uint64_t state = seed * 2654435761u + 1;
  for (char& c : out)
    c = static_cast<char>((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
  return out;
}

class TestStore {
 public:
  explicit TestStore(fs::path folder, storage::Durability durability = storage::Durability::kProcess,
                     storage::Disk& disk = storage::real_disk(), const char* vfs = nullptr)
      : folder_(std::move(folder)) {
    auto opened = storage::Ledger::open(folder_ / "ledger.db", durability, vfs);
    if (!opened) failure = opened.error().message();
    if (!opened) return;
    ledger = std::move(*opened);
    auto made = storage::ObjectStore::open(folder_ / "objects", *ledger, disk);
    if (made) objects = std::move(*made);
    if (!made) failure = made.error().message();
  }
  ~TestStore() {
    objects.reset();
    ledger.reset();
  }

  Status make_bucket(const std::string& name, storage::Versioning versioning = storage::Versioning::kNever) {
    return ledger->commit_and_wait([=](Connection& db) -> Status {
      storage::Bucket bucket{0, name, "123456789012", "us-east-1", from_millis(1)};
      TRY(insert_bucket(db, bucket));
      return storage::set_versioning(db, bucket.id, versioning);
    });
  }

  Result<storage::Staged> staged(std::string_view bytes) {
    auto out = objects->stage();
    for (std::size_t at = 0; at < bytes.size(); at += 50'000) TRY(out.append(bytes.substr(at, 50'000)));
    return out;
  }

  Ticket put_later(const std::string& bucket, storage::ObjectRow row, Result<storage::Staged> body) {
    if (!body) return Ticket::done(body.error());
    row.storage_class = "STANDARD";
    return objects->commit(std::move(*body), [=](Connection& db, BodyId id, Freed& freed) mutable -> Status {
      TRY(const auto in, find_bucket(db, bucket));
      if (row.parts.empty()) row.body = id;
      return put_version(db, *in, row, freed);
    });
  }

  static storage::ObjectRow row_of(const std::string& key, std::string_view bytes,
                                   const std::string& version = {}) {
    storage::ObjectRow row;
    row.key = key;
    row.size = bytes.size();
    row.etag = etag_of(bytes);
    row.checksum = "SHA256 FULL_OBJECT " + sha_of(bytes);
    row.version = version;
    return row;
  }

  Status put(const std::string& bucket, const std::string& key, std::string_view bytes,
             const std::string& version = {}) {
    return put_later(bucket, row_of(key, bytes, version), staged(bytes)).wait();
  }

  Status begin_upload(const std::string& bucket, const std::string& key, const std::string& id) {
    return ledger->commit_and_wait([=](Connection& db) -> Status {
      TRY(const auto in, find_bucket(db, bucket));
      storage::UploadRow upload;
      upload.key = key;
      upload.id = id;
      upload.checksum = "SHA256 COMPOSITE";
      return insert_upload(db, in->id, upload);
    });
  }

  Status put_part(const std::string& id, std::uint32_t number, std::string_view bytes) {
    TRY(auto body, staged(bytes));
    storage::PartRow part{number, bytes.size(), from_millis(1), etag_of(bytes), sha_of(bytes), 0};
    return objects
        ->commit(std::move(body),
                 [=](Connection& db, BodyId body_id, Freed& freed) mutable -> Status {
                   part.body = body_id;
                   return storage::put_part(db, id, part, freed);
                 })
        .wait();
  }

  /// The object that `key`'s upload becomes, and the change that makes it.
  Ticket complete_later(const std::string& bucket, const std::string& key, const std::string& id,
                        const std::string& version = {}) {
    return objects->commit([=](Connection& db, BodyId, Freed& freed) -> Status {
      TRY(const auto in, find_bucket(db, bucket));
      TRY(const auto parts, storage::parts_of(db, id, 0, 10'000));
      storage::ObjectRow row;
      row.key = key;
      row.version = version;
      row.storage_class = "STANDARD";
      std::string digests;
      std::vector<storage::PartRef> refs;
      std::vector<s3::PartChecksum> sums;
      std::vector<BodyId> keep;
      for (const auto& part : parts) {
        std::string raw;
        (void)from_hex(part.etag, raw);
        digests += raw;
        refs.push_back({part.number, part.size, part.body, part.checksum});
        sums.push_back({part.checksum, part.size});
        keep.push_back(part.body);
        row.size += part.size;
      }
      std::sort(keep.begin(), keep.end());
      row.etag = fmt::format("{}-{}", etag_of(digests), parts.size());
      row.checksum =
          "SHA256 COMPOSITE " + s3::join_checksums(s3::ChecksumKind::kSha256, true, sums).value_or("");
      row.parts = pack_parts(refs);
      TRY(storage::delete_upload(db, in->id, key, id, keep, freed));
      return put_version(db, *in, row, freed);
    });
  }

  const fs::path& folder() const { return folder_; }

  std::string failure;  ///< why it did not open
  std::unique_ptr<storage::Ledger> ledger;
  std::unique_ptr<storage::ObjectStore> objects;

 private:
  fs::path folder_;
};

}  // namespace sagelet::upkeep
