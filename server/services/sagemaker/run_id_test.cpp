#include "server/services/sagemaker/run_id.hpp"

#include <set>

#include "gtest/gtest.h"

namespace sagelet::sagemaker {
namespace {

TEST(RunId, ALaterRunSortsBehind) {
  RandomIds ids;
  std::string last;
  for (const std::int64_t ms : {0LL, 35LL, 36LL, 1764023000122LL, 1764023000123LL, 1764109400123LL}) {
    const auto id = run_id(ids, from_millis(ms));
    EXPECT_EQ(id.size(), 20u) << id;
    EXPECT_GT(id, last);
    last = id;
  }
}

TEST(RunId, RunsOfOneMomentDiffer) {
  RandomIds ids;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(run_id(ids, from_millis(1764023000123)));
  EXPECT_EQ(seen.size(), 1000u);
}

}  // namespace
}  // namespace sagelet::sagemaker
