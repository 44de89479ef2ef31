#include "base/crc.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

extern "C" {
#include "isa-l/crc.h"
}

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static_assert(std::endian::native == std::endian::little, "the CRC tables read words as the bytes lie");

namespace sagelet {

namespace {

// Polynomials without their highest term, bits reflected: the coefficient of x^0 is the top bit.
constexpr std::uint32_t kCrc32 = 0xedb88320;
constexpr std::uint32_t kCrc32c = 0x82f63b78;
constexpr std::uint64_t kCrc64 = 0x9a6c9329ac4bc9b5;

template <class Word>
constexpr Word times_x(Word value, Word poly) {
  return (value >> 1) ^ ((value & 1) ? poly : 0);
}

/// a * b modulo the polynomial.
template <class Word>
constexpr Word multiply(Word a, Word b, Word poly) {
  Word product = 0;
  for (Word bit = Word(1) << (sizeof(Word) * 8 - 1); bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = times_x(b, poly);
  }
  return product;
}

/// x^n modulo the polynomial.
template <class Word>
constexpr Word power_of_x(std::uint64_t n, Word poly) {
  Word result = Word(1) << (sizeof(Word) * 8 - 1);  // 1
  Word square = result >> 1;                        // x
  for (; n != 0; n >>= 1) {
    if (n & 1) result = multiply(result, square, poly);
    square = multiply(square, square, poly);
  }
  return result;
}

/// Appending B multiplies the checksum of A by x^(8 * length of B).
template <class Word>
Word combine(Word a, Word b, std::uint64_t length_b, Word poly) {
  Word shift = power_of_x<Word>(length_b, poly);
  for (int i = 0; i < 3; ++i)
    shift = multiply(shift, shift, poly);  // to the eighth: 8 * length may not fit 64 bits
  return multiply(a, shift, poly) ^ b;
}

constexpr auto kTables64 = [] {
  std::array<std::array<std::uint64_t, 256>, 8> tables{};
  for (unsigned i = 0; i < 256; ++i) {
    std::uint64_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = times_x(value, kCrc64);
    tables[0][i] = value;
  }
  for (unsigned t = 1; t < 8; ++t)
    for (unsigned i = 0; i < 256; ++i)
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xff];
  return tables;
}();

/// Eight bytes a step. `crc` is the register (already inverted), so is the result.
std::uint64_t sliced64(std::uint64_t crc, const unsigned char* at, std::size_t length) {
  for (; length >= 8; at += 8, length -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    crc ^= word;
    std::uint64_t next = 0;
    for (unsigned i = 0; i < 8; ++i) next ^= kTables64[7 - i][(crc >> (8 * i)) & 0xff];
    crc = next;
  }
  for (; length > 0; ++at, --length) crc = (crc >> 8) ^ kTables64[0][(crc ^ *at) & 0xff];
  return crc;
}

#if defined(__x86_64__)

/// Carries a 128-bit register `distance` bits further along the message: its low half stands 64 bits ahead of
/// its high half, and a reflected carry-less product comes out multiplied by x, hence the powers.
struct Fold {
  std::uint64_t low, high;
  constexpr explicit Fold(unsigned distance)
      : low(power_of_x<std::uint64_t>(distance + 63, kCrc64)),
        high(power_of_x<std::uint64_t>(distance - 1, kCrc64)) {}
};
constexpr Fold kFold512(512), kFold128(128);

__attribute__((target("pclmul,sse2"))) inline __m128i fold(__m128i value, __m128i factors, __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(value, factors, 0x00);
  const __m128i high = _mm_clmulepi64_si128(value, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/// Folds 64 bytes a step into 16, which stand for all that came before; the table does those and the rest.
__attribute__((target("pclmul,sse2"))) std::uint64_t folded64(std::uint64_t crc, const unsigned char* at,
                                                              std::size_t length) {
  const auto load = [&](std::size_t i) __attribute__((target("pclmul,sse2"))) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * i));
  };
  const __m128i by512 =
      _mm_set_epi64x(static_cast<long long>(kFold512.high), static_cast<long long>(kFold512.low));
  const __m128i by128 =
      _mm_set_epi64x(static_cast<long long>(kFold128.high), static_cast<long long>(kFold128.low));
  __m128i a = _mm_xor_si128(load(0), _mm_set_epi64x(0, static_cast<long long>(crc)));
  __m128i b = load(1), c = load(2), d = load(3);
  for (at += 64, length -= 64; length >= 64; at += 64, length -= 64) {
    a = fold(a, by512, load(0));
    b = fold(b, by512, load(1));
    c = fold(c, by512, load(2));
    d = fold(d, by512, load(3));
  }
  const __m128i all = fold(fold(fold(a, by128, b), by128, c), by128, d);
  unsigned char last[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last), all);
  return sliced64(sliced64(0, last, sizeof last), at, length);
}

std::uint64_t update64(std::uint64_t crc, const unsigned char* at, std::size_t length) {
  static const bool has_pclmul = __builtin_cpu_supports("pclmul");
  return has_pclmul && length >= 128 ? folded64(crc, at, length) : sliced64(crc, at, length);
}

#else

std::uint64_t update64(std::uint64_t crc, const unsigned char* at, std::size_t length) {
  return sliced64(crc, at, length);
}

#endif

/// ISA-L's Castagnoli counts bytes in an int.
constexpr std::size_t kMost = std::size_t(1) << 30;

template <class Word>
std::string bytes_of(Word value) {
  std::string out(sizeof value, '\0');
  for (std::size_t i = 0; i < sizeof value; ++i)
    out[i] = static_cast<char>((value >> (8 * (sizeof value - 1 - i))) & 0xff);
  return out;
}

}  // namespace

std::uint32_t crc32(std::uint32_t so_far, std::string_view bytes) {
  return crc32_gzip_refl(so_far, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::uint32_t crc32c(std::uint32_t so_far, std::string_view bytes) {
  std::uint32_t crc = ~so_far;
  while (!bytes.empty()) {
    const std::size_t part = std::min(bytes.size(), kMost);
    auto* at = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    crc = crc32_iscsi(at, static_cast<int>(part), crc);
    bytes.remove_prefix(part);
  }
  return ~crc;
}

std::uint64_t crc64nvme(std::uint64_t so_far, std::string_view bytes) {
  return ~update64(~so_far, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::uint32_t crc32_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b) {
  return combine(a, b, length_b, kCrc32);
}

std::uint32_t crc32c_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b) {
  return combine(a, b, length_b, kCrc32c);
}

std::uint64_t crc64nvme_combine(std::uint64_t a, std::uint64_t b, std::uint64_t length_b) {
  return combine(a, b, length_b, kCrc64);
}

std::string big_endian(std::uint32_t value) {
  return bytes_of(value);
}
std::string big_endian(std::uint64_t value) {
  return bytes_of(value);
}

}  // namespace sagelet
