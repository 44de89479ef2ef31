#include "base/sha256.hpp"

#include <gtest/gtest.h>

#include "base/digest.hpp"

namespace sagelet {
namespace {

TEST(Sha256, KnowsThePublishedValues) {
  Sha256 none;
  EXPECT_EQ(to_hex(none.finish()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 pieces;
  pieces.update("a");
  pieces.update("");
  pieces.update("bc");
  EXPECT_EQ(to_hex(pieces.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// RFC 4231, cases 2 and 6.
TEST(HmacSha256, KnowsThePublishedValuesAgainAndAgain) {
  const HmacSha256 by_key("Jefe");
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(to_hex(by_key.of("what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      to_hex(
          HmacSha256(std::string(131, '\xaa')).of("Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace
}  // namespace sagelet
