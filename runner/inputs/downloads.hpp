#pragma once
// Many objects into files, several at a time.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runner/calls/s3.hpp"

namespace sagelet::runner {

struct Download {
  S3Location from;
  std::string file;
};

/// Takes downloads from one thread, as a list tells of them; four threads of its own do them. No more than a
/// page of it wait, however long the list is. The first error ends the others.
class Downloads {
 public:
  Downloads(Server server, const StopSignal* stop);
  /// Gives up what still waits.
  ~Downloads();
  /// Waits while too many wait. The error of any of them. Folders above the file are made.
  Status add(Download download);
  /// All are done.
  Status finish();

 private:
  void work();

  const Server server_;
  const StopSignal* const stop_;
  std::mutex mutex_;
  std::condition_variable came_, went_;
  std::deque<Download> waiting_;
  bool complete_ = false;  ///< nothing more comes
  Status fault_;
  std::vector<std::thread> threads_;
};

/// What lies below `prefix`, into `folder`.
Status download_below(S3& s3, const S3Location& prefix, const std::string& folder, const Server& server,
                      const StopSignal* stop);

}  // namespace sagelet::runner
