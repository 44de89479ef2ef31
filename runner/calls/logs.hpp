#pragma once
// Sends the job's log lines to CloudWatch Logs, each once and in order.
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "runner/calls/server.hpp"
#include "runner/calls/spool.hpp"

namespace sagelet::runner {

/// Lines come from the main thread; a thread of its own sends them. The sequence token makes a batch that was
/// sent twice (the answer got lost, the server restarted) harmless.
class LogSender {
 public:
  /// What a killed runner has left goes first.
  LogSender(const JobSpec& spec);
  ~LogSender();

  /// One of ours, between the job's.
  void say(std::string_view text);
  /// The job's own. False: a runner before us has taken it already (a container's log is read again from its
  /// start).
  bool line(std::string_view text, std::int64_t time_ms);
  /// Lines so far may go; call it when no more are at hand.
  void flush() { spool_.commit(); }
  /// Returns when every line is acknowledged (or the server will never take it).
  void finish();

 private:
  void add(std::string_view text, std::int64_t time_ms, LogSpool::Of of);
  void run();
  bool deliver(client::Http& http, const LogSpool::Batch& batch);
  bool create_stream(client::Http& http);
  Result<client::Response> call(client::Http& http, std::string_view operation, std::string body);

  const Server server_;
  const std::string group_, stream_;
  LogSpool spool_;
  std::uint64_t accepted_;     ///< batches; the next token
  std::uint64_t passed_over_;  ///< lines still to come that are known
  bool stream_made_ = false;
  std::thread thread_;  ///< starts with the first line
};

/// PutLogEvents' body.
std::string put_log_events(std::string_view group, std::string_view stream, std::uint64_t accepted,
                           const std::vector<LogRecord>& records);

}  // namespace sagelet::runner
