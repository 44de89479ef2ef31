#include "runner/inputs/downloads.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "base/fs.hpp"
#include "runner/inputs/keys.hpp"

namespace sagelet::runner {
namespace {

constexpr std::size_t kThreads = 4;

/// Each thread takes the next one until none is left or somebody failed.
class Pool {
 public:
  Pool(const std::vector<Download>& downloads, const Server& server, const StopSignal* stop)
      : downloads_(downloads), server_(server), stop_(stop) {}

  Status run() {
    std::vector<std::thread> threads;
    const std::size_t count = std::min(kThreads, downloads_.size());
    for (std::size_t i = 1; i < count; ++i) threads.emplace_back([this] { work(); });
    if (count > 0) work();
    for (std::thread& thread : threads) thread.join();
    return first_fault_;
  }

 private:
  void work() {
    S3 s3(server_, stop_);
    while (!failed_) {
      const std::size_t mine = next_++;
      if (mine >= downloads_.size()) return;
      const Download& download = downloads_[mine];
      Status done = make_folders(fs::path(download.file).parent_path());
      if (done) done = s3.download(download.from, download.file);
      if (!done) fail(std::move(done));
    }
  }

  void fail(Status fault) {
    const std::lock_guard lock(mutex_);
    if (!failed_.exchange(true)) first_fault_ = std::move(fault);
  }

  const std::vector<Download>& downloads_;
  const Server& server_;
  const StopSignal* stop_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  Status first_fault_;
};

}  // namespace

Status download_all(const std::vector<Download>& downloads, const Server& server, const StopSignal* stop) {
  return Pool(downloads, server, stop).run();
}

Result<std::vector<Download>> downloads_below(S3& s3, const S3Location& prefix, const std::string& folder) {
  TRY(const std::vector<S3Object> objects, s3.list(prefix));
  std::vector<Download> downloads;
  for (const S3Object& object : objects) {
    const std::string name = local_name(prefix.key, object.key);
    if (name.empty() || is_placeholder(object.key, object.size)) continue;
    downloads.push_back({{prefix.bucket, object.key}, folder + "/" + name});
  }
  return downloads;
}

}  // namespace sagelet::runner
