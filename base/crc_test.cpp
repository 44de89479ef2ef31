#include "base/crc.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

namespace sagelet {
namespace {

constexpr std::string_view kCheck = "123456789";

std::string noise(std::size_t length) {
  std::string out(length, '\0');
  std::uint32_t state = 12345;
  for (char& c : out) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return out;
}

/// The definition, a bit at a time.
template <class Word>
Word slow(std::string_view bytes, Word poly) {
  Word crc = ~Word(0);
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? poly : 0);
  }
  return ~crc;
}

TEST(Crc, KnowsThePublishedCheckValues) {
  EXPECT_EQ(crc32(0, kCheck), 0xcbf43926u);
  EXPECT_EQ(crc32c(0, kCheck), 0xe3069283u);
  EXPECT_EQ(crc64nvme(0, kCheck), 0xae8b14860a799888u);
}

TEST(Crc, OfNothingIsNought) {
  EXPECT_EQ(crc32(0, ""), 0u);
  EXPECT_EQ(crc32c(0, ""), 0u);
  EXPECT_EQ(crc64nvme(0, ""), 0u);
}

TEST(Crc, EqualsItsDefinitionAtEveryLengthAndAlignment) {
  const std::string bytes = noise(700);
  for (std::size_t start = 0; start < 4; ++start) {
    for (std::size_t length = 0; length + start <= bytes.size(); ++length) {
      const std::string_view part(bytes.data() + start, length);
      ASSERT_EQ(crc64nvme(0, part), slow<std::uint64_t>(part, 0x9a6c9329ac4bc9b5)) << start << " " << length;
      ASSERT_EQ(crc32c(0, part), slow<std::uint32_t>(part, 0x82f63b78)) << start << " " << length;
      ASSERT_EQ(crc32(0, part),
                ::crc32(0, reinterpret_cast<const Bytef*>(part.data()), static_cast<uInt>(length)));
    }
  }
}

TEST(Crc, GoesOnFromWhereItWas) {
  const std::string bytes = noise(100000);
  std::uint32_t a = 0, c = 0;
  std::uint64_t n = 0;
  for (std::size_t at = 0, step = 1; at < bytes.size(); at += step, step = step * 3 % 1009) {
    const auto part = std::string_view(bytes).substr(at, step);
    a = crc32(a, part);
    c = crc32c(c, part);
    n = crc64nvme(n, part);
  }
  EXPECT_EQ(a, crc32(0, bytes));
  EXPECT_EQ(c, crc32c(0, bytes));
  EXPECT_EQ(n, crc64nvme(0, bytes));
}

TEST(Crc, CombinesPartsAsMultipartUploadsDo) {
  const std::string bytes = noise(5000);
  for (const std::size_t cut : {0u, 1u, 7u, 4096u, 4999u, 5000u}) {
    const auto a = std::string_view(bytes).substr(0, cut), b = std::string_view(bytes).substr(cut);
    EXPECT_EQ(crc32_combine(crc32(0, a), crc32(0, b), b.size()), crc32(0, bytes)) << cut;
    EXPECT_EQ(crc32c_combine(crc32c(0, a), crc32c(0, b), b.size()), crc32c(0, bytes)) << cut;
    EXPECT_EQ(crc64nvme_combine(crc64nvme(0, a), crc64nvme(0, b), b.size()), crc64nvme(0, bytes)) << cut;
  }
}

TEST(Crc, CombinesPartsOfManyGigabytes) {
  const std::uint64_t length = (std::uint64_t{5} << 40) + 3;
  EXPECT_EQ(crc32_combine(0x12345678, 0, length),
            static_cast<std::uint32_t>(::crc32_combine64(0x12345678, 0, static_cast<z_off64_t>(length))));
}

TEST(Crc, IsShownWithTheHighestByteFirst) {
  EXPECT_EQ(big_endian(std::uint32_t{0x01020304}), std::string("\1\2\3\4"));
  EXPECT_EQ(big_endian(std::uint64_t{0x0102030405060708}), std::string("\1\2\3\4\5\6\7\10"));
}

}  // namespace
}  // namespace sagelet
