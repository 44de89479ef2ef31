#pragma once
// The second half of a sweep by itself: tests let time pass between the two.
#include "server/services/s3/lifecycle/sweep.hpp"

namespace sagelet::s3::lifecycle {

/// Does what was decided some time ago. What has changed since is left alone; kCancelled when the rules have.
Status carry_out(const Surroundings& around, const storage::BucketSetting& setting, WallTime now,
                 std::vector<Action> actions);

}  // namespace sagelet::s3::lifecycle
