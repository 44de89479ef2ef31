#pragma once
// Pipe mode: a channel is a row of fifos, <channel>_0 for the first epoch, <channel>_1 for the next.
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "runner/inputs/items.hpp"

namespace sagelet::runner {

/// What one channel's fifos carry.
struct PipePlan {
  std::string path;                            ///< of the fifos, less "_<epoch>"
  std::variant<RecordFile, ItemList> content;  ///< objects, or an augmented manifest's lines
  std::vector<std::string> attributes;
  Order order;
  bool gzip = false, records = false;
};

/// A thread a channel. A reader that opens a fifo gets an epoch; when it has read all, or closes early, the
/// fifo goes; the next one is there from the moment that this one is opened.
///
/// What cannot be fetched ends the job: the fifo stays open, so that a reader never takes a cut stream for a
/// whole one, and the job is asked to stop.
class Pipes {
 public:
  /// `scratch` holds what must be unpacked before its length is known.
  Pipes(const Server& server, const StopSignal& stop, std::string scratch);
  ~Pipes();
  /// Makes the first fifo and starts to serve.
  Status add(PipePlan plan);
  /// What could not be fetched.
  std::optional<Error> fault() const;

 private:
  class Feeder;
  void fail(const Error& error);

  const Server server_;
  const StopSignal& stop_;
  const std::string scratch_;
  mutable std::mutex mutex_;
  std::optional<Error> fault_;
  std::vector<std::unique_ptr<Feeder>> feeders_;
};

}  // namespace sagelet::runner
