#pragma once
// From the engine's log entries to lines with their time, each once.
#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "client/docker.hpp"

namespace sagelet::runner {

/// Milliseconds of "2026-01-02T03:04:05.678901234Z"; 0 when it is none.
std::int64_t millis_of(std::string_view stamp);

/// The engine splits lines over 16 KiB; the parts of a stream are put together again, up to 256 KiB. After
/// again() the entries come from the first on, as an engine that was away gives them: those already seen are
/// passed over.
class LogLines {
 public:
  using Sink = std::function<Status(std::int64_t time_ms, std::string_view line)>;
  explicit LogLines(Sink sink) : sink_(std::move(sink)) {}

  Status entry(const client::LogEntry& entry);
  void again() { passed_ = 0; }
  /// Nothing of the log is missing when this is its newest entry.
  bool ends_with(const client::LogEntry& entry) const;
  /// What has no newline yet.
  Status end();

 private:
  struct Rest {
    std::int64_t time_ms = 0;
    std::string text;
  };
  Status hand_on(Rest& rest);

  Sink sink_;
  std::array<Rest, 2> rests_;
  std::uint64_t seen_ = 0, passed_ = 0;
  std::string newest_;  ///< the entry: its stamp, stream and size
};

}  // namespace sagelet::runner
