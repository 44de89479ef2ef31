#include "server/images/manifest.hpp"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet::images {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::string kOci = "application/vnd.oci.image.manifest.v1+json";
const std::string kIndexType = "application/vnd.oci.image.index.v1+json";

std::string descriptor(char c, int size, const std::string& more = "") {
  return R"({"mediaType": "application/x", "digest": "sha256:)" + std::string(64, c) + R"(", "size": )" +
         std::to_string(size) + more + "}";
}

std::string image(const std::string& layers, const std::string& more = "") {
  return R"({"schemaVersion": 2, "config": )" + descriptor('c', 7) + R"(, "layers": [)" + layers + "]" +
         more + "}";
}

TEST(ManifestText, AnImageNamesItsConfigAndLayers) {
  const auto read = parse_manifest(image(descriptor('a', 10) + "," + descriptor('b', 20)), kOci);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_FALSE(read->is_index);
  EXPECT_THAT(read->blobs(), SizeIs(3));
  EXPECT_EQ(read->image_size(), 37u);
  EXPECT_EQ(read->artifact_type, "application/x");
}

TEST(ManifestText, ALayerThatIsElsewhereIsNotOurs) {
  const std::string foreign =
      R"({"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "digest": "sha256:)" +
      std::string(64, 'f') + R"(", "size": 1, "urls": ["https://example.com/layer"]})";
  const auto read = parse_manifest(image(foreign), kOci);
  ASSERT_TRUE(read);
  EXPECT_THAT(read->blobs(), SizeIs(1));
}

TEST(ManifestText, AnIndexNamesManifests) {
  const auto read =
      parse_manifest(R"({"schemaVersion": 2, "manifests": [)" + descriptor('a', 1) + "]}", kIndexType);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->is_index);
  EXPECT_THAT(read->manifests, SizeIs(1));
  EXPECT_THAT(read->blobs(), SizeIs(0));
}

TEST(ManifestText, TheTypeIsTheRequestsOrItsOwnAndNeverBoth) {
  const std::string own = R"(, "mediaType": ")" + kOci + "\"";
  EXPECT_TRUE(parse_manifest(image("", own), ""));
  EXPECT_TRUE(parse_manifest(image("", own), kOci + "; charset=utf-8"));
  const auto both = parse_manifest(image("", own), "application/vnd.docker.distribution.manifest.v2+json");
  ASSERT_FALSE(both);
  EXPECT_THAT(both.error().message(), HasSubstr("the request"));
  EXPECT_FALSE(parse_manifest(image(""), ""));
  EXPECT_FALSE(parse_manifest(image(""), "application/vnd.docker.distribution.manifest.v1+json"));
}

TEST(ManifestText, WhatIsMalformedIsSaid) {
  EXPECT_THAT(parse_manifest("", kOci).error().message(), HasSubstr("not a JSON object"));
  EXPECT_THAT(parse_manifest(std::string(100'000, '['), kOci).error().message(), HasSubstr("deep"));
  EXPECT_THAT(parse_manifest(image("1"), kOci).error().message(), HasSubstr("layers[0]"));
  EXPECT_THAT(parse_manifest(image(R"({"size": 1})"), kOci).error().message(), HasSubstr("digest"));
  EXPECT_THAT(parse_manifest(image(descriptor('a', -1)), kOci).error().message(), HasSubstr("size"));
  EXPECT_THAT(parse_manifest(R"({"schemaVersion": 1})", kOci).error().message(), HasSubstr("schemaVersion"));
  EXPECT_THAT(parse_manifest(R"({"schemaVersion": 2})", kOci).error().message(), HasSubstr("config"));
}

}  // namespace
}  // namespace sagelet::images
