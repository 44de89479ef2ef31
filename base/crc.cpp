#include "base/crc.hpp"

#include <isa-l/crc.h>
#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace sagelet {

namespace {

constexpr std::uint64_t kNvmePolynomial = 0x9a6c9329ac4bc9b5ull;  // reflected
constexpr std::uint32_t kCastagnoli = 0x82f63b78u;                // reflected

using NvmeTables = std::array<std::array<std::uint64_t, 256>, 8>;

/// Slicing by eight: table k advances a byte by k further bytes.
constexpr NvmeTables make_nvme_tables() {
  NvmeTables out{};
  for (std::uint64_t i = 0; i < 256; ++i) {
    std::uint64_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ kNvmePolynomial : crc >> 1;
    out[0][i] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t i = 0; i < 256; ++i) out[k][i] = out[k - 1][i] >> 8 ^ out[0][out[k - 1][i] & 0xff];
  return out;
}
constexpr NvmeTables kNvme = make_nvme_tables();

/// x^n modulo the polynomial, by multiplication in GF(2)[x]; reflected: the highest bit is x^0.
template <class Word>
struct Field {
  Word polynomial;
  static constexpr int kBits = sizeof(Word) * 8;
  static constexpr Word kOne = Word(1) << (kBits - 1);

  Word multiply(Word a, Word b) const {
    Word out = 0;
    for (Word bit = kOne; bit != 0; bit >>= 1) {
      if (a & bit) out ^= b;
      b = b & 1 ? b >> 1 ^ polynomial : b >> 1;
    }
    return out;
  }
  Word power_of_x(std::uint64_t bytes) const {
    Word out = kOne, base = kOne >> 8;  // x^8: one byte
    for (; bytes != 0; bytes >>= 1) {
      if (bytes & 1) out = multiply(out, base);
      base = multiply(base, base);
    }
    return out;
  }
  Word combine(Word a, Word b, std::uint64_t length_b) const { return multiply(power_of_x(length_b), a) ^ b; }
};

}  // namespace

std::uint32_t crc32(std::uint32_t so_far, std::string_view bytes) {
  return crc32_gzip_refl(so_far, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::uint32_t crc32c(std::uint32_t so_far, std::string_view bytes) {
  // ISA-L takes an int length and leaves the inversions to us.
  std::uint32_t crc = ~so_far;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, std::size_t{1} << 30);
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(part.data()));
    crc = crc32_iscsi(data, static_cast<int>(part.size()), crc);
    bytes.remove_prefix(part.size());
  }
  return ~crc;
}

std::uint64_t crc64nvme(std::uint64_t so_far, std::string_view bytes) {
  std::uint64_t crc = ~so_far;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    word ^= crc;
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k) crc ^= kNvme[7 - k][word >> (8 * k) & 0xff];
  }
  for (; left > 0; --left, ++at) crc = crc >> 8 ^ kNvme[0][(crc ^ static_cast<unsigned char>(*at)) & 0xff];
  return ~crc;
}

std::uint32_t crc32_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b) {
  return static_cast<std::uint32_t>(::crc32_combine64(a, b, static_cast<z_off64_t>(length_b)));
}

std::uint32_t crc32c_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b) {
  return Field<std::uint32_t>{kCastagnoli}.combine(a, b, length_b);
}

std::uint64_t crc64nvme_combine(std::uint64_t a, std::uint64_t b, std::uint64_t length_b) {
  return Field<std::uint64_t>{kNvmePolynomial}.combine(a, b, length_b);
}

namespace {
template <class Word>
std::string big_endian_bytes(Word value) {
  std::string out(sizeof(Word), '\0');
  for (std::size_t i = 0; i < sizeof(Word); ++i)
    out[i] = static_cast<char>(value >> (8 * (sizeof(Word) - 1 - i)) & 0xff);
  return out;
}
}  // namespace

std::string big_endian(std::uint32_t value) {
  return big_endian_bytes(value);
}
std::string big_endian(std::uint64_t value) {
  return big_endian_bytes(value);
}

}  // namespace sagelet
