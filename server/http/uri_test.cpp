#include "server/http/uri.hpp"

#include <string>

#include "gtest/gtest.h"

namespace sagelet::http {
namespace {

TEST(Uri, WalksTheQueryAsSent) {
  std::string seen;
  for (const QueryItem& item : QueryItems("&acl&&prefix=a%2Fb+c&x=&=v&"))
    seen += "[" + std::string(item.name) + (item.has_value ? "=" : "") + std::string(item.value) + "]";
  EXPECT_EQ(seen, "[acl][prefix=a%2Fb+c][x=][=v]");
  for (const QueryItem& item : QueryItems("")) FAIL() << item.name;
}

TEST(Uri, DecodesPercentAndKeepsPlus) {
  EXPECT_EQ(decode("a%2Fb+c%zz%4"), "a/b+c%zz%4");
}

TEST(Uri, FindsAParameterByItsDecodedName) {
  EXPECT_EQ(query_value("list%2Dtype=2&a=%20", "list-type"), "2");
  EXPECT_EQ(query_value("acl", "acl"), "");
  EXPECT_EQ(query_value("acl", "tagging"), std::nullopt);
  EXPECT_TRUE(has_query("uploads&x=1", "uploads"));
}

TEST(Uri, SplitsAuthorities) {
  EXPECT_EQ(split_authority("host:443")->host, "host");
  EXPECT_EQ(split_authority("host:443")->port, 443);
  EXPECT_EQ(split_authority("host")->port, std::nullopt);
  EXPECT_EQ(split_authority("[::1]:80")->host, "::1");
  for (const auto* bad : {"", ":80", "host:", "host:0", "host:65536", "host:8x", "[::1", "[::1]x"})
    EXPECT_FALSE(split_authority(bad)) << bad;
}

TEST(Uri, SplitsAbsoluteTargets) {
  const auto target = split_absolute("http://user:pw@example.com:8080/a//b?x=1");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->scheme, "http");
  EXPECT_EQ(target->authority, "example.com:8080");
  EXPECT_EQ(target->origin, "/a//b?x=1");
  EXPECT_EQ(split_absolute("http://h")->origin, "");
  EXPECT_EQ(split_absolute("http://h?x")->origin, "?x");
  for (const auto* other : {"/a?u=http://x", "*", "http:///x", "://x"})
    EXPECT_FALSE(split_absolute(other)) << other;
}

}  // namespace
}  // namespace sagelet::http
