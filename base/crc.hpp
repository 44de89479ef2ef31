#pragma once
// CRC-32 (zlib's), CRC-32C (Castagnoli) and CRC-64/NVME as S3 uses them: big-endian bytes, then base64.
#include <cstdint>
#include <string>
#include <string_view>

namespace sagelet {

/// Each takes the checksum so far (0 at first) and gives it over `bytes` appended.
std::uint32_t crc32(std::uint32_t so_far, std::string_view bytes);
std::uint32_t crc32c(std::uint32_t so_far, std::string_view bytes);
std::uint64_t crc64nvme(std::uint64_t so_far, std::string_view bytes);

/// The checksum of A followed by B, from theirs and B's length: for FULL_OBJECT multipart checksums.
std::uint32_t crc32_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b);
std::uint32_t crc32c_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b);
std::uint64_t crc64nvme_combine(std::uint64_t a, std::uint64_t b, std::uint64_t length_b);

std::string big_endian(std::uint32_t value);  ///< 4 raw bytes
std::string big_endian(std::uint64_t value);  ///< 8 raw bytes

}  // namespace sagelet
