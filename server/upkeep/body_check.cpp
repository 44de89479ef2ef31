#include "server/upkeep/body_check.hpp"

#include "base/digest.hpp"
#include "fmt/format.h"
#include "server/services/s3/encryption.hpp"
#include "server/storage/pairs.hpp"

namespace sagelet::upkeep {

namespace {

using storage::ObjectStore;

/// Blobs of container images have no ETag; their key is their digest.
constexpr std::string_view kBlobs = "registry:blobs", kSha256 = "sha256:";

void add(std::string& problem, const std::string& more) {
  problem += (problem.empty() ? "" : ", ") + more;
}

bool is_md5(std::string_view etag) {
  std::string raw;
  return from_hex(etag, raw) && raw.size() == 16;
}

std::string etag_of(const std::vector<Read>& reads) {
  Digest joined(DigestKind::kMd5);
  for (const auto& read : reads) {
    std::string raw;
    (void)from_hex(read.etag, raw);
    joined.update(raw);
  }
  return fmt::format("{}-{}", to_hex(joined.finish()), reads.size());
}

/// What the record says of the whole: nothing is said where other digests than ours made it, as those of a
/// store whose objects we cache (services/s3/upstream/cache).
std::string compare_etag(const storage::HeldObject& object, const std::vector<Read>& reads) {
  if (object.bucket.name.starts_with("upstream/")) return {};
  const auto& etag = object.row.etag;
  const auto found = object.row.parts.empty() ? reads.front().etag : etag_of(reads);
  const bool comparable =
      object.row.parts.empty() ? is_md5(etag) : etag.ends_with(found.substr(found.rfind('-')));
  if (!comparable || etag == found) return {};
  return fmt::format("its ETag is {}, its bytes say {}", etag, found);
}

std::string compare_checksum(const s3::StoredChecksum& stored, const std::vector<Read>& reads,
                             s3::Checksum& whole) {
  std::string found;
  if (stored.composite) {
    std::vector<s3::PartChecksum> sums;
    for (const auto& read : reads) sums.push_back({read.checksum, read.size});
    found = s3::join_checksums(stored.kind, true, sums).value_or("");
  } else {
    found = to_base64(whole.finish());
  }
  if (stored.value.empty() || stored.value == found) return {};
  return fmt::format("its {} is {}, its bytes say {}", s3::algorithm_name(stored.kind), stored.value, found);
}

std::vector<Expected> expected_of(const storage::HeldObject& object) {
  const auto& row = object.row;
  if (row.parts.empty()) return {{row.size, row.body, {}, row.properties}};
  std::vector<Expected> out;
  for (const auto& part : storage::unpack_parts(row.parts))
    out.push_back({part.size, part.body, part.checksum, row.properties});
  return out;
}

/// Where the digest of the whole is the key itself.
std::optional<s3::StoredChecksum> stored_checksum(const storage::HeldObject& object) {
  const auto& key = object.row.key;
  std::string raw;
  if (object.bucket.name == kBlobs && key.starts_with(kSha256) && from_hex(key.substr(kSha256.size()), raw))
    return s3::StoredChecksum{s3::ChecksumKind::kSha256, false, to_base64(raw)};
  return s3::StoredChecksum::from(object.row.checksum);
}

}  // namespace

Result<Read> read_and_compare(ObjectStore& store, const Expected& expected,
                              std::optional<s3::ChecksumKind> kind, s3::Checksum* whole) {
  Read read;
  Digest md5(DigestKind::kMd5);
  std::optional<s3::Checksum> checksum;
  if (kind) checksum.emplace(*kind);
  auto state = ObjectStore::BodyState::kThere;
  if (expected.body != 0) {
    TRY(state, store.read_body(expected.body, [&](std::string_view bytes) {
      read.size += bytes.size();
      md5.update(bytes);
      if (checksum) checksum->update(bytes);
      if (whole != nullptr) whole->update(bytes);
    }));
  }
  read.etag = s3::etag_under(storage::unpack(expected.properties), to_hex(md5.finish()));
  if (checksum) read.checksum = to_base64(checksum->finish());
  if (state == ObjectStore::BodyState::kNoRecord) {
    read.problem = "its bytes are gone from the ledger";
  } else if (state == ObjectStore::BodyState::kNoFile) {
    read.problem = fmt::format("its file {} is missing", store.path_of(expected.body).native());
  } else {
    if (read.size != expected.size)
      add(read.problem, fmt::format("it has {} bytes of {}", read.size, expected.size));
    if (checksum && !expected.checksum.empty() && expected.checksum != read.checksum)
      add(read.problem, fmt::format("its {} is {}, its bytes say {}", s3::algorithm_name(*kind),
                                    expected.checksum, read.checksum));
  }
  return read;
}

Result<std::vector<Difference>> compare(ObjectStore& store, const storage::HeldObject& object,
                                        std::uint64_t& bytes) {
  const auto stored = stored_checksum(object);
  const auto kind = stored ? std::optional(stored->kind) : std::nullopt;
  std::optional<s3::Checksum> whole;
  if (stored && !stored->composite) whole.emplace(*kind);
  const auto expected = expected_of(object);
  std::vector<Difference> differences;
  std::vector<Read> reads;
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    TRY(auto read, read_and_compare(store, expected[i], kind, whole ? &*whole : nullptr));
    bytes += read.size;
    size += expected[i].size;
    const auto number = object.row.parts.empty() ? 0 : static_cast<std::uint32_t>(i + 1);
    if (!read.problem.empty()) differences.push_back({number, read.problem});
    reads.push_back(std::move(read));
  }
  if (size != object.row.size)
    differences.push_back({0, fmt::format("its parts have {} bytes of {}", size, object.row.size)});
  if (!differences.empty()) return differences;  // what follows from them need not be said
  std::string problem = compare_etag(object, reads);
  if (stored)
    if (const auto other = compare_checksum(*stored, reads, *(whole ? &*whole : &whole.emplace(*kind)));
        !other.empty())
      add(problem, other);
  if (!problem.empty()) differences.push_back({0, problem});
  return differences;
}

}  // namespace sagelet::upkeep
