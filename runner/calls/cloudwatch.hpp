#pragma once
// Sends the job's metrics to CloudWatch, as an agent on an instance does.
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/rounds.hpp"
#include "runner/calls/server.hpp"
#include "runner/spec.hpp"

namespace sagelet::runner {

/// Values matched in the log go by TrainingJobName, samples of the host by Host. Once a period, in the first
/// one more often (so that a short job has figures), and at the end; on a thread of its own. A value may be
/// lost with a killed runner, never sent twice on purpose.
class MetricSender {
 public:
  /// `sample` is called on the sender's thread, and by finish().
  MetricSender(const JobSpec& spec, std::function<std::vector<MetricValue>()> sample,
               std::chrono::milliseconds period = std::chrono::minutes(1));

  void start();
  /// A value of one of the job's metric definitions; from any thread.
  void add(const MetricValue& value);
  /// The last sample; returns when all is sent.
  void finish();

 private:
  struct Datum {
    std::string dimension;  ///< TrainingJobName or Host
    MetricValue value;
  };
  std::chrono::milliseconds round();
  void sample();
  void send_all();
  bool send_some(const std::vector<Datum>& data);

  const Server server_;
  const std::string job_, host_;
  const std::function<std::vector<MetricValue>()> sample_;
  const std::chrono::milliseconds period_;
  client::Http http_;
  std::chrono::milliseconds pause_;  ///< until the next sample
  std::mutex mutex_;
  std::vector<Datum> waiting_;
  Rounds rounds_;
};

}  // namespace sagelet::runner
