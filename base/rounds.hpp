#pragma once
// Work that comes round again.
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace sagelet {

/// A thread that works, sleeps as long as the work said, and works again, until it is stopped or destroyed.
/// As a member it stands last: the work uses the others. start() and stop() belong to one thread.
class Rounds {
 public:
  /// Gives the pause until the next round.
  using Round = std::function<std::chrono::milliseconds()>;

  Rounds() = default;
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;
  ~Rounds() { stop(); }

  /// The first round comes after `pause`. Nothing happens when it runs already.
  void start(Round round, std::chrono::milliseconds pause = {});
  bool started() const { return thread_.joinable(); }
  /// Cuts the pause short; in a round, the next follows at once. From any thread.
  void poke();
  /// Returns when the round under way, if any, is over; there will be no other. Twice is fine.
  void stop();

 private:
  void run(const Round& round, std::chrono::milliseconds pause);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool poked_ = false, leaving_ = false;
  std::thread thread_;
};

}  // namespace sagelet
