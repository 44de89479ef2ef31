#include "server/model/call.hpp"

#include "gtest/gtest.h"

namespace sagelet {
namespace {

TEST(Input, GivesWhatIsThereAndTheDefaultForTheRest) {
  Input input;
  input.params = {{"Name", "x"}, {"Count", 3}, {"Size", 2.5}, {"On", true}, {"Huge", 1e300}};
  EXPECT_EQ(input.text("Name"), "x");
  EXPECT_EQ(input.text("Other"), "");
  EXPECT_EQ(input.maybe_text("Other"), std::nullopt);
  EXPECT_EQ(input.number("Count", 7), 3);
  EXPECT_EQ(input.number("Size", 7), 2);
  EXPECT_EQ(input.number("Huge", 7), 7);
  EXPECT_EQ(input.number("Name", 7), 7);
  EXPECT_TRUE(input.flag("On"));
  EXPECT_TRUE(input.flag("Off", true));
  EXPECT_FALSE(input.has("Off"));
}

TEST(Input, AWrongTypeIsLikeAbsence) {
  Input input;
  input.params = {{"Name", 5}};
  EXPECT_EQ(input.text("Name"), "");
  EXPECT_FALSE(input.flag("Name"));
}

TEST(ApiError, AnInternalFailureTellsTheClientNothing) {
  const api::Error error = api::Error::internal();
  EXPECT_EQ(error.code, "InternalFailure");
  EXPECT_EQ(error.status, 500);
  EXPECT_TRUE(error.fault);
}

}  // namespace
}  // namespace sagelet
