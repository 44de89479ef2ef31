#include "base/digest.hpp"

#include <gtest/gtest.h>

namespace sagelet {
namespace {

TEST(Digest, KnowsThePublishedValues) {
  EXPECT_EQ(to_hex(Digest::of(DigestKind::kMd5, "abc")), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(to_hex(Digest::of(DigestKind::kSha1, "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(to_hex(Digest::of(DigestKind::kSha256, "abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, GivesTheSameForPiecesAsForTheWhole) {
  Digest digest(DigestKind::kSha256);
  digest.update("a");
  digest.update("");
  digest.update("bc");
  EXPECT_EQ(digest.finish(), Digest::of(DigestKind::kSha256, "abc"));
}

TEST(Digest, MovesWithWhatItWasFed) {
  Digest first(DigestKind::kMd5);
  first.update("ab");
  Digest second(std::move(first));
  second.update("c");
  EXPECT_EQ(second.finish(), Digest::of(DigestKind::kMd5, "abc"));
}

// RFC 4231, cases 1, 2 and 6 (a key longer than the block), and RFC 2202, case 2.
TEST(Hmac, KnowsThePublishedValues) {
  EXPECT_EQ(to_hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      to_hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(to_hex(hmac_sha1("Jefe", "what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

TEST(Base64, GoesBothWaysForEveryLengthAndByte) {
  std::string bytes;
  for (int length = 0; length < 300; ++length) {
    std::string back;
    ASSERT_TRUE(from_base64(to_base64(bytes), back)) << length;
    ASSERT_EQ(back, bytes);
    ASSERT_TRUE(from_hex(to_hex(bytes), back));
    ASSERT_EQ(back, bytes);
    bytes += static_cast<char>(length * 7);
  }
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
}

TEST(Base64, RefusesWhatIsNotWhole) {
  std::string out = "untouched";
  for (const char* text :
       {"Zg", "Zg=", "Z===", "Zh==", "Zm9", "Zm 9", "Zm9-", "Zg==Zg==", "=", "====", "Zg==\n"})
    EXPECT_FALSE(from_base64(text, out)) << text;
  EXPECT_EQ(out, "untouched");
}

TEST(Hex, TakesBothCasesAndNothingElse) {
  std::string out;
  ASSERT_TRUE(from_hex("00fFAb", out));
  EXPECT_EQ(out, std::string("\0\xff\xab", 3));
  EXPECT_FALSE(from_hex("0", out));
  EXPECT_FALSE(from_hex("0g", out));
}

TEST(ConstantTime, ComparesLengthAndBytes) {
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "ab"));
  EXPECT_TRUE(equal_constant_time("", ""));
}

}  // namespace
}  // namespace sagelet
