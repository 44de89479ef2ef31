#pragma once
// The only source of time and of sleep. Handlers and jobs take a Clock; tests tick a ManualClock by hand.
#include <chrono>
#include <cstdint>

namespace sagelet {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;  ///< UTC, what AWS answers show
using SteadyTime = std::chrono::steady_clock::time_point;           ///< for deadlines

/// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;
  virtual SteadyTime steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  WallTime now() const override;
  SteadyTime steady() const override;
};

inline std::int64_t to_millis(WallTime time) {
  return time.time_since_epoch().count();
}
inline WallTime from_millis(std::int64_t millis) {
  return WallTime(std::chrono::milliseconds(millis));
}
/// As AWS's JSON shows a timestamp: 1700000000.123
inline double to_epoch_seconds(WallTime time) {
  return static_cast<double>(to_millis(time)) / 1000.0;
}

}  // namespace sagelet
