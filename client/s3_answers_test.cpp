#include "client/s3_answers.hpp"

#include "gtest/gtest.h"

namespace sagelet::client {
namespace {

TEST(S3Answers, ReadsAPageOfEitherVersion) {
  const auto page = read_s3_page(
      "<?xml version='1.0'?><ListBucketResult><IsTruncated>true</IsTruncated>"
      "<Contents><Key>a%2Fb+c%2Bd</Key><Size>12345678901</Size><ETag>&quot;abc-2&quot;</ETag>"
      "<LastModified>2026-11-24T12:00:00.000Z</LastModified><StorageClass>STANDARD</StorageClass></Contents>"
      "<CommonPrefixes><Prefix>dir%2F</Prefix></CommonPrefixes><NextMarker>z+z</NextMarker></"
      "ListBucketResult>");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].key, "a/b c+d");
  EXPECT_EQ(page->objects[0].size, 12345678901u);
  EXPECT_EQ(page->objects[0].etag, "abc-2");
  EXPECT_EQ(page->prefixes, std::vector<std::string>{"dir/"});
  EXPECT_TRUE(page->truncated);
  EXPECT_EQ(page->next, "z z");
  EXPECT_EQ(read_s3_page("<ListBucketResult><NextContinuationToken>1+2%3D</NextContinuationToken>"
                         "</ListBucketResult>")
                ->next,
            "1+2%3D");
  EXPECT_FALSE(read_s3_page("no XML"));
}

TEST(S3Answers, ReadsAFailure) {
  const auto failure = read_s3_failure("<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>");
  EXPECT_EQ(failure.code, "NoSuchKey");
  EXPECT_EQ(failure.message, "gone");
  EXPECT_EQ(read_s3_failure("502 Bad Gateway").code, "");
}

}  // namespace
}  // namespace sagelet::client
