#pragma once
// The checkpoint folder and its prefix in S3, kept alike while the script runs.
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "runner/calls/s3.hpp"

namespace sagelet::runner {

/// Local changes and deletions go to S3 every few seconds, on a thread of its own, and once more at the end.
/// What others add in S3 does not come down.
class CheckpointSync {
 public:
  CheckpointSync(Server server, S3Location to, std::string folder);
  ~CheckpointSync();
  /// Files as they are now are in S3 already.
  void adopt();
  /// What is in S3 may be older than the files: of a job that is taken up.
  Status adopt_stored();
  void start();
  /// Stops the thread, then one last look. Errors are those of this look.
  Status finish();

 private:
  struct Stamp {
    std::uint64_t size;
    std::int64_t changed_ns;
    bool operator==(const Stamp&) const = default;
  };
  using Files = std::map<std::string, Stamp>;
  Files look() const;
  Status push();
  S3Location place_of(const std::string& name) const;

  S3 s3_;
  const S3Location to_;
  const std::string folder_;
  Files stored_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
};

}  // namespace sagelet::runner
