#pragma once
// One thread that sleeps until something is posted, a watched descriptor is readable, or a time has come.
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/fd.hpp"

namespace sagelet::jobs {

class Loop {
 public:
  /// What the loop asks its owner before it sleeps, on its own thread.
  struct Plan {
    std::vector<int> readable;                         ///< descriptors to wait for
    std::optional<std::chrono::milliseconds> timeout;  ///< absent: as long as it takes
  };
  using Planner = std::function<Plan()>;
  /// Called after every sleep with the descriptors that are readable, before posted work.
  using Turn = std::function<void(const std::vector<int>& readable)>;

  static Result<std::unique_ptr<Loop>> make();
  ~Loop();
  void start(Planner planner, Turn turn);
  /// Finishes posted work, then ends the thread. Later posts are dropped. Twice is fine.
  void stop();

  /// Any thread. False when the loop has stopped: the work will not run.
  bool post(std::function<void()> work);
  /// Posts and waits. On the loop's own thread it runs at once. False: it did not run.
  bool run(const std::function<void()>& work);

 private:
  explicit Loop(UniqueFd bell) : bell_(std::move(bell)) {}
  void ring() const;
  std::vector<int> sleep(const Plan& plan) const;
  std::vector<std::function<void()>> take_posted();
  void turn_until_stopped();

  UniqueFd bell_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  bool stopping_ = false;
  Planner planner_;
  Turn turn_;
  std::thread thread_;
};

}  // namespace sagelet::jobs
