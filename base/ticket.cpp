#include "base/ticket.hpp"

#include <condition_variable>

namespace sagelet {

Ticket Ticket::done(Status status) {
  Ticket ticket;
  ticket.state_->status = std::move(status);
  return ticket;
}

void Ticket::on_done(std::function<void(Status)> call) const {
  {
    std::lock_guard lock(state_->mutex);
    if (!state_->status) {
      state_->call = std::move(call);
      return;
    }
  }
  call(*state_->status);
}

void Ticket::complete(Status status) const {
  std::function<void(Status)> call;
  {
    std::lock_guard lock(state_->mutex);
    if (state_->status) return;
    state_->status = status;
    call = std::move(state_->call);
  }
  if (call) call(std::move(status));
}

Status Ticket::wait() const {
  std::mutex mutex;
  std::condition_variable ended;
  std::optional<Status> status;
  on_done([&](Status given) {
    std::lock_guard lock(mutex);
    status = std::move(given);
    ended.notify_one();  // under the lock: the waiter may not leave before we are done with its variables
  });
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return status.has_value(); });
  return std::move(*status);
}

}  // namespace sagelet
