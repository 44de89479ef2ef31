#pragma once
// A few threads of storage's own, for waits that no request thread should make: syncs, unlinks, the sweep.
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sagelet::storage {

/// Threads start with the first work, so an idle server has none. The destructor runs what was posted, then
/// joins.
class Workers {
 public:
  explicit Workers(std::size_t most) : most_(most) {}
  ~Workers();
  void post(std::function<void()> work);

 private:
  void run();

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace sagelet::storage
