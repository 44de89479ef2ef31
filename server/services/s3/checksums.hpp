#pragma once
// The five checksums of S3, as they stream by, and how parts' checksums make the whole's.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/digest.hpp"
#include "server/model/call.hpp"

namespace sagelet::s3 {

enum class ChecksumKind { kCrc32, kCrc32c, kCrc64nvme, kSha1, kSha256 };
inline constexpr std::array kChecksumKinds = {ChecksumKind::kCrc32, ChecksumKind::kCrc32c,
                                              ChecksumKind::kCrc64nvme, ChecksumKind::kSha1,
                                              ChecksumKind::kSha256};

std::string_view algorithm_name(ChecksumKind kind);  ///< CRC32
std::string_view member_name(ChecksumKind kind);     ///< ChecksumCRC32
std::string_view header_name(ChecksumKind kind);     ///< x-amz-checksum-crc32
std::size_t checksum_bytes(ChecksumKind kind);
std::optional<ChecksumKind> checksum_kind(std::string_view algorithm);

/// Feed bytes, then ask once.
class Checksum {
 public:
  explicit Checksum(ChecksumKind kind);
  void update(std::string_view bytes);
  std::string finish();  ///< raw bytes
  ChecksumKind kind() const { return kind_; }

 private:
  ChecksumKind kind_;
  std::variant<std::uint32_t, std::uint64_t, Digest> state_;
};

/// What a record keeps: "CRC32 FULL_OBJECT <base64>".
struct StoredChecksum {
  ChecksumKind kind = ChecksumKind::kCrc32;
  bool composite = false;
  std::string value;  ///< base64, with "-<parts>" when composite; empty for an upload's plan

  std::string text() const;
  static std::optional<StoredChecksum> from(std::string_view text);
  std::string_view type() const { return composite ? "COMPOSITE" : "FULL_OBJECT"; }
};

struct PartChecksum {
  std::string value;  ///< base64
  std::uint64_t size = 0;
};
/// The whole's checksum from its parts': joined CRCs, or the digest of digests with "-<parts>". nullopt when
/// a part has none (or not one of that kind).
std::optional<std::string> join_checksums(ChecksumKind kind, bool composite,
                                          std::span<const PartChecksum> parts);

/// The checksum that a request's members carry (ChecksumCRC32, ...). Errors: more than one, or a malformed
/// value.
Reply<std::optional<StoredChecksum>> given_checksum(const Document& params);
/// The algorithm that x-amz-checksum-algorithm or x-amz-sdk-checksum-algorithm names. Unknown names are
/// errors.
Reply<std::optional<ChecksumKind>> named_algorithm(const Document& params);

/// Adds ChecksumCRC32 (or another) and ChecksumType to an answer.
void show_checksum(Document& fields, const StoredChecksum& checksum);

}  // namespace sagelet::s3
