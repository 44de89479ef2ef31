#define OPENSSL_SUPPRESS_DEPRECATED  // the state of EVP's MD5 cannot be reached; OpenSSL 3 keeps this form
#include "base/md5_kernel.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

namespace sagelet {

namespace {

constexpr std::size_t kFewLanes = 2;  ///< one stream alone is faster by OpenSSL

/// One 32-bit word of each lane.
typedef std::uint32_t Words __attribute__((vector_size(4 * Md5::kLanes)));

constexpr std::array<std::uint32_t, 64> kSines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

constexpr std::array<std::array<int, 4>, 4> kShifts = {
    {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};
/// Which word of the block round i takes: kFirst[i / 16] + i * kStep[i / 16].
constexpr std::array<int, 4> kFirst = {0, 1, 5, 0};
constexpr std::array<int, 4> kStep = {1, 5, 3, 7};

template <int... kFrom>
[[gnu::always_inline]] inline void mix(const Words& a, const Words& b, Words& out) {
  out = __builtin_shufflevector(a, b, kFrom...);
}

/// Rows of eight words, one a lane, become columns: out[i] has word i of each.
[[gnu::always_inline]] inline void transpose(const Words (&rows)[8], Words* out) {
  Words pair[8], four[8];
  for (int i = 0; i < 8; i += 2) {
    mix<0, 8, 1, 9, 4, 12, 5, 13>(rows[i], rows[i + 1], pair[i]);
    mix<2, 10, 3, 11, 6, 14, 7, 15>(rows[i], rows[i + 1], pair[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int half = 0; half < 2; ++half) {
      mix<0, 1, 8, 9, 4, 5, 12, 13>(pair[i + half], pair[i + half + 2], four[i + 2 * half]);
      mix<2, 3, 10, 11, 6, 7, 14, 15>(pair[i + half], pair[i + half + 2], four[i + 2 * half + 1]);
    }
  }
  for (int i = 0; i < 4; ++i) {
    mix<0, 1, 2, 3, 8, 9, 10, 11>(four[i], four[i + 4], out[i]);
    mix<4, 5, 6, 7, 12, 13, 14, 15>(four[i], four[i + 4], out[i + 4]);
  }
}

template <int kRound>
[[gnu::always_inline]] inline void round(Words& a, const Words& b, const Words& c, const Words& d,
                                         const Words* message) {
  constexpr int kKind = kRound / 16;
  constexpr int kShift = kShifts[kKind][kRound % 4];
  Words mixed;
  if constexpr (kKind == 0) mixed = d ^ (b & (c ^ d));
  if constexpr (kKind == 1) mixed = c ^ (d & (b ^ c));
  if constexpr (kKind == 2) mixed = b ^ c ^ d;
  if constexpr (kKind == 3) mixed = c ^ (b | ~d);
  a += mixed + kSines[kRound] + message[(kFirst[kKind] + kRound * kStep[kKind]) % 16];
  a = b + ((a << kShift) | (a >> (32 - kShift)));
}

template <std::size_t... kFours>
[[gnu::always_inline]] inline void rounds(Words& a, Words& b, Words& c, Words& d, const Words* message,
                                          std::index_sequence<kFours...>) {
  ((round<4 * kFours>(a, b, c, d, message), round<4 * kFours + 1>(d, a, b, c, message),
    round<4 * kFours + 2>(c, d, a, b, message), round<4 * kFours + 3>(b, c, d, a, message)),
   ...);
}

using Lanes = const char* const (&)[Md5::kLanes];

[[gnu::always_inline]] inline void hash_blocks(Words (&state)[4], Lanes lanes, std::size_t size) {
  Words a = state[0], b = state[1], c = state[2], d = state[3];
  for (std::size_t at = 0; at < size; at += Md5::kBlock) {
    Words message[16], rows[8];
    for (int half = 0; half < 2; ++half) {
      for (int lane = 0; lane < 8; ++lane)
        std::memcpy(&rows[lane], lanes[lane] + at + 32 * half, sizeof(Words));
      transpose(rows, message + 8 * half);
    }
    const Words a0 = a, b0 = b, c0 = c, d0 = d;
    rounds(a, b, c, d, message, std::make_index_sequence<16>());
    a += a0;
    b += b0;
    c += c0;
    d += d0;
  }
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

using Kernel = void (*)(Words (&)[4], Lanes, std::size_t);

void hash_plainly(Words (&state)[4], Lanes lanes, std::size_t size) {
  hash_blocks(state, lanes, size);
}

#ifdef __x86_64__
[[gnu::target("avx2")]] void hash_by_avx2(Words (&state)[4], Lanes lanes, std::size_t size) {
  hash_blocks(state, lanes, size);
}

/// Its rotation is one instruction.
[[gnu::target("avx512vl")]] void hash_by_avx512(Words (&state)[4], Lanes lanes, std::size_t size) {
  hash_blocks(state, lanes, size);
}

Kernel best_kernel() {
  if (__builtin_cpu_supports("avx512vl")) return hash_by_avx512;
  return __builtin_cpu_supports("avx2") ? hash_by_avx2 : hash_plainly;
}
#else
Kernel best_kernel() {
  return hash_plainly;
}
#endif

}  // namespace

Md5::Md5() {
  MD5_Init(&state_);
}

void Md5::update(std::string_view bytes) {
  MD5_Update(&state_, bytes.data(), bytes.size());
}

std::string Md5::finish() {
  std::string raw(MD5_DIGEST_LENGTH, '\0');
  MD5_Final(reinterpret_cast<unsigned char*>(raw.data()), &state_);
  return raw;
}

void Md5::update_together(std::span<const Piece> pieces, std::size_t size) {
  if (pieces.size() < kFewLanes) {
    for (const auto& piece : pieces) piece.stream->update({piece.bytes, size});
    return;
  }
  const char* lanes[kLanes];
  Words state[4];
  for (std::size_t i = 0; i < kLanes; ++i) {
    const auto& piece = pieces[i < pieces.size() ? i : 0];  // an empty lane hashes the first one's bytes
    const MD5_CTX& from = piece.stream->state_;
    lanes[i] = piece.bytes;
    state[0][i] = from.A;
    state[1][i] = from.B;
    state[2][i] = from.C;
    state[3][i] = from.D;
  }
  static const Kernel kernel = best_kernel();
  kernel(state, lanes, size);
  const std::uint64_t bits = static_cast<std::uint64_t>(size) * 8;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    MD5_CTX& to = pieces[i].stream->state_;
    to.A = state[0][i];
    to.B = state[1][i];
    to.C = state[2][i];
    to.D = state[3][i];
    const std::uint64_t length = (static_cast<std::uint64_t>(to.Nh) << 32 | to.Nl) + bits;
    to.Nl = static_cast<MD5_LONG>(length);
    to.Nh = static_cast<MD5_LONG>(length >> 32);
  }
}

}  // namespace sagelet
