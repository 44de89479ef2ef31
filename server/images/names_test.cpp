#include "server/images/names.hpp"

#include "gtest/gtest.h"

namespace sagelet::images {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(Names, ADigestIsSha256AndNothingElse) {
  EXPECT_TRUE(parse_digest(kDigest));
  for (const std::string& text : {std::string("sha256:"), kDigest + "a", "sha256:" + std::string(64, 'A'),
                                  "sha512:" + std::string(64, 'a'), std::string(71, 'a'), std::string()})
    EXPECT_FALSE(parse_digest(text)) << text;
  EXPECT_EQ(digest_of("").view(), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Names, RepositoriesAreLowerCaseWordsInParts) {
  for (const char* name :
       {"a", "a/b", "team/my-image", "a.b_c__d---e", "0", "000000000000.dkr.ecr.us-east-1.amazonaws.com/a"})
    EXPECT_TRUE(is_repository_name(name)) << name;
  for (const char* name :
       {"", "A", "a/", "/a", "a//b", "-a", "a-", "a..b", "a___b", "a._b", "..", "a b", "a:b"})
    EXPECT_FALSE(is_repository_name(name)) << name;
  EXPECT_TRUE(is_repository_name(std::string(255, 'a')));
  EXPECT_FALSE(is_repository_name(std::string(256, 'a')));
}

TEST(Names, TagsHave128CharactersAtMost) {
  for (const char* tag : {"latest", "1.0-cpu-py3", "_a", "A"}) EXPECT_TRUE(is_tag(tag)) << tag;
  for (const char* tag : {"", ".a", "-a", "a:b", "a/b"}) EXPECT_FALSE(is_tag(tag)) << tag;
  EXPECT_TRUE(is_tag(std::string(128, 'a')));
  EXPECT_FALSE(is_tag(std::string(129, 'a')));
}

TEST(Names, ARegistryIsAnAccountAndARegion) {
  const auto plain = registry_of_host("111122223333.dkr.ecr.eu-west-1.amazonaws.com:443");
  ASSERT_TRUE(plain);
  EXPECT_EQ(*plain, (Registry{"111122223333", "eu-west-1"}));
  EXPECT_EQ(plain->host(), "111122223333.dkr.ecr.eu-west-1.amazonaws.com");
  const auto china = registry_of_host("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn");
  ASSERT_TRUE(china);
  EXPECT_EQ(china->host(), "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn");
  EXPECT_TRUE(registry_of_host("111122223333.dkr.ecr-fips.us-east-1.amazonaws.com"));
  for (const char* host :
       {"111122223333.dkr.ecr..amazonaws.com", "1.dkr.ecr.us-east-1.amazonaws.com", "example.com",
        "111122223333.dkr.ecr.us-east-1.example.com", "api.ecr.us-east-1.amazonaws.com"})
    EXPECT_FALSE(registry_of_host(host)) << host;
}

TEST(Names, AnImageUriHasATagOrADigest) {
  const std::string host = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/";
  const auto tagged = parse_image_uri(host + "team/name:v1");
  ASSERT_TRUE(tagged);
  EXPECT_EQ(tagged->repository, "team/name");
  EXPECT_EQ(tagged->reference.tag, "v1");
  EXPECT_EQ(parse_image_uri(host + "name")->reference.tag, "latest");
  const auto both = parse_image_uri(host + "name:v1@" + kDigest);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->repository, "name");
  EXPECT_EQ(both->reference, (Reference{"", ContentDigest(kDigest)}));
  for (const std::string& uri : {host + "name:", host + "name@sha256:1", host + "Name", host,
                                 std::string("name:v1"), std::string("docker.io/library/debian:12")})
    EXPECT_FALSE(parse_image_uri(uri)) << uri;
}

}  // namespace
}  // namespace sagelet::images
