#include "server/services/layer_urls.hpp"

#include "base/testing.hpp"
#include "gtest/gtest.h"

namespace sagelet {
namespace {

class SignedLayers : public testing::Test {
 protected:
  bool is_good(const std::string& query) const { return urls_.is_good(place_, "sha256:0", query); }

  ManualClock clock_;
  RandomIds ids_;
  LayerUrls urls_{clock_, ids_};
  images::Place place_{{"000000000000", "us-east-1"}, "team/name"};
  std::string query_ = urls_.sign(place_, "sha256:0");
};

TEST_F(SignedLayers, AreGoodForAnHour) {
  EXPECT_TRUE(is_good(query_));
  clock_.advance(std::chrono::minutes(59));
  EXPECT_TRUE(is_good(query_));
  clock_.advance(std::chrono::minutes(1));
  EXPECT_FALSE(is_good(query_));
}

TEST_F(SignedLayers, AreOfOneLayerOneTimeAndOneServer) {
  EXPECT_FALSE(urls_.is_good(place_, "sha256:1", query_));
  auto other = place_;
  other.repository = "team/other";
  EXPECT_FALSE(urls_.is_good(other, "sha256:0", query_));
  other = place_;
  other.registry.account = "111111111111";
  EXPECT_FALSE(urls_.is_good(other, "sha256:0", query_));
  auto longer = query_;
  longer.insert(longer.find("expires=") + 8, "9");
  EXPECT_FALSE(is_good(longer));
  EXPECT_FALSE(LayerUrls(clock_, ids_).is_good(place_, "sha256:0", query_));
}

TEST_F(SignedLayers, AnAddressWithoutASignatureClaimsNothing) {
  EXPECT_FALSE(LayerUrls::claims("expires=9"));
  EXPECT_FALSE(LayerUrls::claims(""));
  EXPECT_TRUE(LayerUrls::claims("signature="));
  EXPECT_FALSE(is_good("signature="));
  EXPECT_FALSE(is_good(""));
}

}  // namespace
}  // namespace sagelet
