#pragma once
// Fakes for every room's tests: a clock that is ticked by hand and ids that can be foretold.
#include <algorithm>
#include <atomic>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "fmt/format.h"

namespace sagelet {

/// Stands still until told. Starts at 2026-01-01T00:00:00Z unless told otherwise. Thread-safe.
class ManualClock final : public Clock {
 public:
  ManualClock() = default;
  explicit ManualClock(WallTime start) : millis_(to_millis(start)) {}

  WallTime now() const override { return from_millis(millis_); }
  SteadyTime steady() const override { return SteadyTime(std::chrono::milliseconds(steady_millis_.load())); }

  void advance(std::chrono::milliseconds by) {
    millis_ += by.count();
    steady_millis_ += by.count();
  }
  /// Moves the wall clock alone, as an administrator would.
  void set(WallTime time) { millis_ = to_millis(time); }

 private:
  std::atomic<std::int64_t> millis_{1767225600000};
  std::atomic<std::int64_t> steady_millis_{1000000};
};

/// 1, 2, 3 ... in the costume asked for. Thread-safe.
class CountingIds final : public Ids {
 public:
  std::string uuid() override { return fmt::format("00000000-0000-4000-8000-{:012x}", next()); }
  std::string lower_alnum(std::size_t length) override { return padded(length); }
  std::string upper_alnum(std::size_t length) override { return padded(length); }
  std::string hex(std::size_t bytes) override { return padded(bytes * 2); }
  std::uint64_t number() override { return next(); }

 private:
  std::uint64_t next() { return ++last_; }
  std::string padded(std::size_t length) {
    const std::string digits = std::to_string(next());
    const std::string padded = std::string(length > digits.size() ? length - digits.size() : 0, '0') + digits;
    return padded.substr(padded.size() - length);
  }

  std::atomic<std::uint64_t> last_{0};
};

}  // namespace sagelet
