#pragma once
// The thread that lets deadlines come due.
#include <functional>

#include "base/clock.hpp"
#include "base/rounds.hpp"
#include "server/services/sagemaker/deadlines.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::sagemaker {

/// A deadline stays in the ledger until whoever handles it takes it away or sets it anew: one that could not
/// be handled (a full disk) comes again after a second.
class Timekeeper {
 public:
  using Handle = std::function<void(const Deadline&)>;
  Timekeeper(storage::Ledger& ledger, const Clock& clock, Handle handle)
      : ledger_(ledger), clock_(clock), handle_(std::move(handle)) {}

  /// From now on on a thread of its own.
  void start();
  /// A deadline was set: look again. From any thread.
  void poke() { rounds_.poke(); }
  /// Handles all that is due, on this thread.
  void run_due();

 private:
  std::chrono::milliseconds until_next();

  storage::Ledger& ledger_;
  const Clock& clock_;
  const Handle handle_;
  Rounds rounds_;
};

}  // namespace sagelet::sagemaker
