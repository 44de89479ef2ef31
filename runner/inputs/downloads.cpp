#include "runner/inputs/downloads.hpp"

#include <sys/stat.h>

#include "base/fs.hpp"
#include "runner/inputs/keys.hpp"

namespace sagelet::runner {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kMostWaiting = 1000;  // while the next page of the list comes

bool is_a(const std::string& path, unsigned type) {
  struct stat about;
  return ::lstat(path.c_str(), &about) == 0 && (about.st_mode & S_IFMT) == type;
}

/// S3 may have both "a" and "a/b"; a file system cannot.
Error explained(const Download& download, Error error) {
  const auto taken = [](const std::string& path) {
    return Error(ErrorKind::kInvalid, "an object's name is also the folder of another: " + path);
  };
  if (is_a(download.file, S_IFDIR)) return taken(download.file);
  for (fs::path folder = fs::path(download.file).parent_path(); folder.has_relative_path();
       folder = folder.parent_path())
    if (is_a(folder, S_IFREG)) return taken(folder);
  return error;
}

}  // namespace

Downloads::Downloads(Server server, const StopSignal* stop) : server_(std::move(server)), stop_(stop) {}

Downloads::~Downloads() {
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
    complete_ = true;
    came_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

Status Downloads::add(Download download) {
  std::unique_lock lock(mutex_);
  went_.wait(lock, [this] { return waiting_.size() < kMostWaiting || !fault_; });
  if (!fault_) return fault_;
  waiting_.push_back(std::move(download));
  if (threads_.size() < kThreads) threads_.emplace_back([this] { work(); });
  came_.notify_one();
  return {};
}

Status Downloads::finish() {
  {
    const std::lock_guard lock(mutex_);
    complete_ = true;
    came_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return fault_;
}

void Downloads::work() {
  S3 s3(server_, stop_);
  std::string folder;  // that was made last
  std::unique_lock lock(mutex_);
  while (true) {
    came_.wait(lock, [this] { return complete_ || !fault_ || !waiting_.empty(); });
    if (!fault_ || waiting_.empty()) return;
    const Download download = std::move(waiting_.front());
    waiting_.pop_front();
    if (waiting_.size() < kMostWaiting / 2) went_.notify_one();
    lock.unlock();
    Status done;
    if (std::string above = fs::path(download.file).parent_path(); above != folder) {
      done = make_folders(above);
      folder = std::move(above);
    }
    if (done) done = s3.download(download.from, download.file);
    lock.lock();
    if (!done && fault_) fault_ = explained(download, std::move(done.error()));
    if (!fault_) went_.notify_one();
  }
}

Status download_below(S3& s3, const S3Location& prefix, const std::string& folder, const Server& server,
                      const StopSignal* stop) {
  Downloads downloads(server, stop);
  const Status listed = s3.list(prefix, [&](const std::vector<S3Object>& page) -> Status {
    for (const S3Object& object : page) {
      const std::string name = local_name(prefix.key, object.key);
      if (name.empty() || is_placeholder(object.key, object.size)) continue;
      TRY(downloads.add({{prefix.bucket, object.key}, folder + "/" + name}));
    }
    return {};
  });
  TRY(listed);
  return downloads.finish();
}

}  // namespace sagelet::runner
