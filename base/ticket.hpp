#pragma once
// One thing that completes later: the promise that a commit is durable.
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/result.hpp"

namespace sagelet {

/// Shared by who completes it (once) and who waits for it (on_done at most once). Thread-safe.
class Ticket {
 public:
  Ticket() : state_(std::make_shared<State>()) {}
  /// A ticket that was done before anybody asked.
  static Ticket done(Status status);

  /// Runs `call` when the ticket completes: at once on this thread if it has, else on the completing thread.
  void on_done(std::function<void(Status)> call) const;
  void complete(Status status) const;
  /// Blocks. Only for threads that may wait (never an I/O thread).
  Status wait() const;

 private:
  struct State {
    std::mutex mutex;
    std::optional<Status> status;
    std::function<void(Status)> call;
  };
  std::shared_ptr<State> state_;
};

}  // namespace sagelet
