#pragma once
// What the runner says about its job: kept on disk until the server has it for good.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "runner/calls/server.hpp"
#include "runner/spec.hpp"

namespace sagelet::runner {

/// Reports go out in order on a thread of its own, again and again until acknowledged.
class Reporter {
 public:
  explicit Reporter(const JobSpec& spec);
  ~Reporter();

  /// From now on reports are lines of JSON written to `fd` instead: of one host among several, whose runner
  /// makes one story of them (hosts.hpp).
  void tell(int fd) { told_ = fd; }
  /// Numbers and stamps the report, writes it to reports/, queues it.
  void say(Report report);
  /// Returns when all are acknowledged, or the server does not know this job (any more).
  void finish();

 private:
  void run();
  bool deliver(client::Http& http, const std::string& body);

  const Server server_;
  const std::string job_id_, host_, token_;
  std::uint64_t number_;  ///< of the last report
  int told_ = -1;

  struct Waiting {
    std::string path, body;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> queue_;
  bool closed_ = false, refused_ = false;
  std::thread thread_;
};

}  // namespace sagelet::runner
