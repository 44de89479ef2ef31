#include "server/services/s3/checksums.hpp"

#include "base/crc.hpp"
#include "fmt/format.h"
#include "server/services/s3/errors.hpp"

namespace sagelet::s3 {

namespace {

struct Spelling {
  std::string_view algorithm, member, header;
  std::size_t bytes;
};

const Spelling& spelling(ChecksumKind kind) {
  static constexpr Spelling kAll[] = {
      {"CRC32", "ChecksumCRC32", "x-amz-checksum-crc32", 4},
      {"CRC32C", "ChecksumCRC32C", "x-amz-checksum-crc32c", 4},
      {"CRC64NVME", "ChecksumCRC64NVME", "x-amz-checksum-crc64nvme", 8},
      {"SHA1", "ChecksumSHA1", "x-amz-checksum-sha1", 20},
      {"SHA256", "ChecksumSHA256", "x-amz-checksum-sha256", 32},
  };
  return kAll[static_cast<std::size_t>(kind)];
}

std::uint64_t from_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

bool well_formed(ChecksumKind kind, std::string_view base64) {
  std::string raw;
  return from_base64(base64, raw) && raw.size() == checksum_bytes(kind);
}

/// The checksum of everything so far, `raw_a`, joined with that of the next part.
std::string join_crc(ChecksumKind kind, std::string_view raw_a, std::string_view raw_b,
                     std::uint64_t length_b) {
  const auto a = from_big_endian(raw_a);
  const auto b = from_big_endian(raw_b);
  const auto a32 = static_cast<std::uint32_t>(a);
  const auto b32 = static_cast<std::uint32_t>(b);
  if (kind == ChecksumKind::kCrc32) return big_endian(crc32_combine(a32, b32, length_b));
  if (kind == ChecksumKind::kCrc32c) return big_endian(crc32c_combine(a32, b32, length_b));
  return big_endian(crc64nvme_combine(a, b, length_b));
}

}  // namespace

std::string_view algorithm_name(ChecksumKind kind) {
  return spelling(kind).algorithm;
}
std::string_view member_name(ChecksumKind kind) {
  return spelling(kind).member;
}
std::string_view header_name(ChecksumKind kind) {
  return spelling(kind).header;
}
std::size_t checksum_bytes(ChecksumKind kind) {
  return spelling(kind).bytes;
}

std::optional<ChecksumKind> checksum_kind(std::string_view algorithm) {
  for (const auto kind : kChecksumKinds)
    if (algorithm == algorithm_name(kind)) return kind;
  return std::nullopt;
}

Checksum::Checksum(ChecksumKind kind) : kind_(kind), state_(std::uint32_t{0}) {
  if (kind == ChecksumKind::kCrc64nvme) state_ = std::uint64_t{0};
  if (kind == ChecksumKind::kSha1) state_.emplace<Digest>(DigestKind::kSha1);
  if (kind == ChecksumKind::kSha256) state_.emplace<Digest>(DigestKind::kSha256);
}

void Checksum::update(std::string_view bytes) {
  if (auto* digest = std::get_if<Digest>(&state_)) {
    digest->update(bytes);
  } else if (auto* crc64 = std::get_if<std::uint64_t>(&state_)) {
    *crc64 = crc64nvme(*crc64, bytes);
  } else {
    auto& crc = std::get<std::uint32_t>(state_);
    crc = kind_ == ChecksumKind::kCrc32 ? crc32(crc, bytes) : crc32c(crc, bytes);
  }
}

std::string Checksum::finish() {
  if (auto* digest = std::get_if<Digest>(&state_)) return digest->finish();
  if (const auto* crc64 = std::get_if<std::uint64_t>(&state_)) return big_endian(*crc64);
  return big_endian(std::get<std::uint32_t>(state_));
}

std::string StoredChecksum::text() const {
  auto text = fmt::format("{} {}", algorithm_name(kind), type());
  if (!value.empty()) text.append(" ").append(value);
  return text;
}

std::optional<StoredChecksum> StoredChecksum::from(std::string_view text) {
  const auto first = text.find(' ');
  if (first == std::string_view::npos) return std::nullopt;
  const auto kind = checksum_kind(text.substr(0, first));
  if (!kind) return std::nullopt;
  auto rest = text.substr(first + 1);
  const auto second = rest.find(' ');
  StoredChecksum stored{*kind, rest.substr(0, second) == "COMPOSITE", {}};
  if (second != std::string_view::npos) stored.value = rest.substr(second + 1);
  return stored;
}

std::optional<std::string> join_checksums(ChecksumKind kind, bool composite,
                                          std::span<const PartChecksum> parts) {
  Checksum of_all(kind);
  std::string joined;
  for (const auto& part : parts) {
    std::string raw;
    if (!from_base64(part.value, raw) || raw.size() != checksum_bytes(kind)) return std::nullopt;
    if (composite) {
      of_all.update(raw);
    } else if (kind == ChecksumKind::kSha1 || kind == ChecksumKind::kSha256) {
      return std::nullopt;
    } else {
      joined = joined.empty() ? raw : join_crc(kind, joined, raw, part.size);
    }
  }
  if (composite) return fmt::format("{}-{}", to_base64(of_all.finish()), parts.size());
  return to_base64(joined);
}

Reply<std::optional<StoredChecksum>> given_checksum(const Document& params) {
  std::optional<StoredChecksum> given;
  constexpr std::string_view kMember = "Checksum";
  for (const std::string_view foreign :
       {"ChecksumSHA512", "ChecksumMD5", "ChecksumXXHASH64", "ChecksumXXHASH3", "ChecksumXXHASH128"})
    if (params.contains(foreign))
      return errors::not_implemented(fmt::format("x-amz-checksum-{}", foreign.substr(kMember.size())));
  for (const auto kind : kChecksumKinds) {
    const auto member = params.find(member_name(kind));
    if (member == params.end() || !member->is_string()) continue;
    if (given)
      return errors::invalid_request(
          "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
    given = StoredChecksum{kind, false, member->get<std::string>()};
    auto value = std::string_view(given->value);
    if (const auto dash = value.rfind('-'); dash != std::string_view::npos) value = value.substr(0, dash);
    if (!well_formed(kind, value)) return errors::bad_checksum(algorithm_name(kind));
  }
  return given;
}

Reply<std::optional<ChecksumKind>> named_algorithm(const Document& params) {
  const auto member = params.find("ChecksumAlgorithm");
  if (member == params.end() || !member->is_string()) return std::optional<ChecksumKind>();
  const auto kind = checksum_kind(member->get_ref<const std::string&>());
  if (!kind)
    return errors::invalid_request(
        "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, "
        "CRC32C, "
        "CRC64NVME, SHA1, SHA256]");
  return kind;
}

void show_checksum(Document& fields, const StoredChecksum& checksum) {
  fields[std::string(member_name(checksum.kind))] = checksum.value;
  fields["ChecksumType"] = checksum.type();
}

}  // namespace sagelet::s3
