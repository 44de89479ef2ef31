#include "runner/steps/checkpoints.hpp"

#include <sys/stat.h>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "runner/inputs/downloads.hpp"
#include "runner/steps/steps.hpp"

namespace sagelet::runner {
namespace {

constexpr std::chrono::seconds kPause{3};

/// Where the checkpoint folder really lies.
std::string folder_of(const Job& job) {
  const std::string& path = job.spec.checkpoint_path;
  if (path == "/opt/ml" || path.starts_with("/opt/ml/"))
    return job.ml(fs::path(path.substr(7)).relative_path().string());
  return job.sandbox->has_mounts() ? (job.folder() / "checkpoints").string() : path;
}

Result<S3Location> checkpoint_place(const Job& job) {
  auto place = S3Location::parse(job.spec.checkpoint_uri);
  if (!place) return Error(ErrorKind::kInvalid, "not an S3 URI: " + job.spec.checkpoint_uri);
  if (!place->key.empty() && !place->key.ends_with('/')) place->key += '/';
  return *place;
}

}  // namespace

CheckpointSync::CheckpointSync(Server server, S3Location to, std::string folder)
    : s3_(std::move(server), nullptr), to_(std::move(to)), folder_(std::move(folder)) {}

CheckpointSync::~CheckpointSync() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

CheckpointSync::Files CheckpointSync::look() const {
  Files files;
  std::error_code error;
  fs::recursive_directory_iterator item(folder_, fs::directory_options::skip_permission_denied, error), end;
  for (; !error && item != end; item.increment(error)) {
    struct stat about;
    if (::lstat(item->path().c_str(), &about) != 0 || !S_ISREG(about.st_mode)) continue;
    const std::int64_t changed = about.st_mtim.tv_sec * 1'000'000'000ll + about.st_mtim.tv_nsec;
    files[item->path().lexically_relative(folder_).string()] = {static_cast<std::uint64_t>(about.st_size),
                                                                changed};
  }
  return files;
}

void CheckpointSync::adopt() {
  stored_ = look();
}

Status CheckpointSync::adopt_stored() {
  const std::size_t head = place_of("").key.size();
  return s3_.list(place_of(""), [&](std::vector<S3Object> page) -> Status {
    for (const S3Object& object : page) stored_[object.key.substr(head)] = {};
    return {};
  });
}

S3Location CheckpointSync::place_of(const std::string& name) const {
  const bool slash = to_.key.empty() || to_.key.ends_with('/');
  return {to_.bucket, to_.key + (slash ? "" : "/") + name};
}

Status CheckpointSync::push() {
  const Files now = look();
  Status result;
  for (const auto& [name, stamp] : now) {
    const auto before = stored_.find(name);
    if (before != stored_.end() && before->second == stamp) continue;
    const Status done = s3_.upload(folder_ + "/" + name, place_of(name));
    if (done)
      stored_[name] = stamp;
    else if (!done.error().is(ErrorKind::kNotFound))  // else it was deleted meanwhile: next time
      result = done;
  }
  for (auto old = stored_.begin(); old != stored_.end();) {
    const bool gone = !now.contains(old->first);
    if (gone) {
      if (const Status done = s3_.remove(place_of(old->first)); !done) result = done;
    }
    old = gone ? stored_.erase(old) : std::next(old);
  }
  return result;
}

void CheckpointSync::start() {
  thread_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, kPause, [this] { return ending_; })) {
      lock.unlock();
      if (const Status done = push(); !done) log::warn("checkpoints: {}", done.error().message());
      lock.lock();
    }
  });
}

Status CheckpointSync::finish() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  return push();
}

Status fetch_checkpoints(Job& job) {
  if (job.spec.checkpoint_uri.empty()) return {};
  TRY(const S3Location from, checkpoint_place(job));
  const std::string folder = folder_of(job);
  TRY(make_folders(folder));
  TRY(download_below(job.s3, from, folder, job.server, &job.stop));
  job.checkpoints = std::make_unique<CheckpointSync>(job.server, from, folder);
  job.checkpoints->adopt();
  job.checkpoints->start();
  job.progress.checkpoints = folder;
  return {};
}

Status take_up_checkpoints(Job& job) {
  if (job.progress.checkpoints.empty()) return {};
  TRY(const S3Location to, checkpoint_place(job));
  job.checkpoints = std::make_unique<CheckpointSync>(job.server, to, job.progress.checkpoints);
  TRY(job.checkpoints->adopt_stored());
  if (!job.progress.ended) job.checkpoints->start();
  return {};
}

Status finish_checkpoints(Job& job) {
  return job.checkpoints ? job.checkpoints->finish() : Status();
}

}  // namespace sagelet::runner
