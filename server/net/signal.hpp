#pragma once
// How a coroutine waits for something that happens on another thread.
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <mutex>
#include <utility>

#include "server/net/asio.hpp"

namespace sagelet::net {

/// Happens when arrive() was called `count` times, from any thread. One coroutine may wait; it goes on on its
/// own loop. Shared by both sides; the loop must outlive the last arrival (the server sees to that).
class Signal {
 public:
  Signal(Executor executor, int count) : executor_(executor), missing_(count) {}
  Signal(const Signal&) = delete;

  void arrive() {
    std::unique_ptr<Waiter> waiter;
    {
      const std::lock_guard lock(mutex_);
      if (--missing_ == 0) waiter = std::move(waiter_);
    }
    if (waiter) post(std::move(waiter));
  }
  bool happened() const {
    const std::lock_guard lock(mutex_);
    return missing_ <= 0;
  }

  /// Keep the signal alive across the wait.
  Task<void> wait() {
    auto start = [this](auto handler) { hold(std::move(handler)); };
    co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(start, kAwait);
  }

 private:
  struct Waiter {
    virtual ~Waiter() = default;
    virtual void go_on() = 0;
  };
  template <class Handler>
  struct WaiterOf final : Waiter {
    explicit WaiterOf(Handler given) : handler(std::move(given)) {}
    void go_on() override { std::move(handler)(); }
    Handler handler;
  };

  template <class Handler>
  void hold(Handler handler) {
    std::unique_ptr<Waiter> waiter = std::make_unique<WaiterOf<Handler>>(std::move(handler));
    {
      const std::lock_guard lock(mutex_);
      if (missing_ > 0) {
        waiter_ = std::move(waiter);
        return;
      }
    }
    post(std::move(waiter));
  }
  void post(std::unique_ptr<Waiter> waiter) {
    asio::post(executor_, [waiter = std::move(waiter)] { waiter->go_on(); });
  }

  Executor executor_;
  mutable std::mutex mutex_;
  int missing_;
  std::unique_ptr<Waiter> waiter_;
};

}  // namespace sagelet::net
