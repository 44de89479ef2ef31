#include "server/services/registry/route.hpp"

#include "gtest/gtest.h"
#include "server/services/registry_login.hpp"

namespace sagelet::registry {
namespace {

TEST(RegistryPaths, RepositoriesMayHaveSlashesAndTheApisOwnWords) {
  const auto tags = parse_route("/v2/team/blobs/name/tags/list");
  ASSERT_TRUE(tags);
  EXPECT_EQ(tags->what, What::kTags);
  EXPECT_EQ(tags->repository, "team/blobs/name");
  const auto manifest = parse_route("/v2/a/manifests/manifests/v1");
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->repository, "a/manifests");
  EXPECT_EQ(manifest->name, "v1");
}

TEST(RegistryPaths, EveryPartOfTheApiIsFound) {
  for (const auto& [path, what] : {std::pair{"/v2/", What::kRoot},
                                   {"/v2", What::kRoot},
                                   {"/v2/_catalog", What::kCatalog},
                                   {"/v2/a/tags/list", What::kTags},
                                   {"/v2/a/manifests/x", What::kManifest},
                                   {"/v2/a/blobs/x", What::kBlob},
                                   {"/v2/a/blobs/uploads/", What::kUploads},
                                   {"/v2/a/blobs/uploads", What::kUploads},
                                   {"/v2/a/blobs/uploads/1", What::kUpload},
                                   {"/v2/a/referrers/x", What::kReferrers}}) {
    const auto route = parse_route(path);
    ASSERT_TRUE(route) << path;
    EXPECT_EQ(route->what, what) << path;
  }
  for (const char* path : {"/v1/", "/v2/a", "/v2/manifests/x", "/v2/a/manifests/", "/v2//tags/list", "/"})
    EXPECT_FALSE(parse_route(path)) << path;
}

TEST(RegistryPaths, AnEscapedDigestIsDecoded) {
  EXPECT_EQ(parse_route("/v2/a/blobs/sha256%3Aabc")->name, "sha256:abc");
}

TEST(RegistryTexts, AChunkHasBothEnds) {
  EXPECT_EQ(parse_chunk_range("0-0")->last, 0u);
  EXPECT_EQ(parse_chunk_range("5-10")->first, 5u);
  for (const char* text : {"", "-", "5", "5-", "-5", "10-5", "bytes 0-5", "0-99999999999999999999"})
    EXPECT_FALSE(parse_chunk_range(text)) << text;
}

TEST(RegistryLogins, APasswordNamesItsCredentials) {
  SessionCredentials credentials;
  credentials.access_key = "ASIA1";
  credentials.session_token = "token";
  credentials.secret_key = "secret";
  const std::string password = registry_password(credentials);
  EXPECT_EQ(password.find("secret"), std::string::npos);
  const auto login = parse_registry_login("Basic QVdTOlFWTkpRVEU2ZEc5clpXND0=");
  ASSERT_TRUE(login);
  EXPECT_EQ(login->user, "AWS");
  EXPECT_EQ(login->access_key, "ASIA1");
  EXPECT_EQ(login->token, "token");
  EXPECT_EQ(password, "QVNJQTE6dG9rZW4=");
}

TEST(RegistryLogins, WhatIsNoneOfOursNamesNobody) {
  EXPECT_FALSE(parse_registry_login(""));
  EXPECT_FALSE(parse_registry_login("Bearer abc"));
  EXPECT_FALSE(parse_registry_login("Basic !"));
  const auto guess = parse_registry_login("basic QVdTOmd1ZXNz");
  ASSERT_TRUE(guess);
  EXPECT_TRUE(guess->access_key.empty());
}

}  // namespace
}  // namespace sagelet::registry
