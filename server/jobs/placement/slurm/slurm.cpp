// What others call: it changes what is wanted of a job. The thread that brings it about is in
// slurm_thread.cpp.
#include "server/jobs/placement/slurm/slurm.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.hpp"
#include "fmt/format.h"
#include "server/jobs/placement/slurm/script.hpp"

namespace sagelet::jobs::slurm {

namespace {

constexpr std::chrono::seconds kKillPatience{60};
/// In a job's folder: "<Slurm's number>", and "<number> started" when it had been seen to run.
constexpr auto kNote = "slurm_job";

/// As `.sagelet-runner` in the shared folder; jobs that run keep the file they were started from.
Status copy_runner(const fs::path& runner, const fs::path& place) {
  TRY(const auto bytes, read_file(runner, 1ull << 30));
  if (const auto there = read_file(place, 1ull << 30); there && *there == bytes) return {};
  return write_file(place, bytes, false, 0755);
}

}  // namespace

SlurmPlacement::SlurmPlacement(SlurmOptions options, std::unique_ptr<Commands> commands)
    : options_(std::move(options)),
      folders_(options_.folder),
      commands_(std::move(commands)),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  adopt_folders();
  thread_ = std::thread([this] { run(); });
}

SlurmPlacement::~SlurmPlacement() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SlurmPlacement::adopt_folders() {
  for (const auto& job_id : folders_.names()) {
    std::error_code ignored;
    if (!fs::exists(folders_.of(job_id) / "spec.json", ignored)) continue;
    auto& job = jobs_[job_id];
    const auto text = read_file(folders_.of(job_id) / kNote);
    if (!text) continue;
    const auto noted = trimmed(*text);
    job.id = noted.substr(0, noted.find(' '));
    job.started = job.runner_sent = noted.size() > job.id.size();
    job.place = Place::kThere;
  }
}

Status SlurmPlacement::probe() {
  TRY(commands_->probe());
  TRY(folders_.make());
  if (!options_.settings.shared.empty() && options_.settings.runner.empty())
    return copy_runner(options_.runner, runner_on_nodes(options_.settings, {}));
  if (sends_runner() && ::access(options_.runner.c_str(), X_OK) != 0)
    return Error::last("the runner " + options_.runner.native());
  return {};
}

Result<Handle> SlurmPlacement::start(const JobSpec& spec) {
  const std::lock_guard lock(mutex_);
  if (const auto found = jobs_.find(spec.job_id); found != jobs_.end() && found->second.place != Place::kGone)
    return Error(ErrorKind::kAlreadyExists, "job " + spec.job_id + " is in Slurm already");
  auto placed = spec;
  const auto want = wanted(options_.settings, spec, options_.cores_per_job, options_.memory_per_job);
  placed.launcher = "srun";
  placed.shared_folder = !options_.settings.shared.empty();
  placed.folder = folder_on_nodes(options_.settings, spec.job_id);
  placed.memory_limit = memory_for_program(want);
  if (!options_.settings.python.empty()) placed.python = options_.settings.python;
  std::error_code ignored;
  fs::remove(folders_.of(spec.job_id) / kNote, ignored);
  TRY(folders_.write_spec(placed));
  jobs_[spec.job_id] = Job{.place = Place::kHere};
  to_submit_.push_back(spec.job_id);
  wake();
  return spec.job_id;
}

std::optional<Handle> SlurmPlacement::find(const std::string& job_id) {
  return alive(job_id) ? std::optional(job_id) : std::nullopt;
}

bool SlurmPlacement::alive(const Handle& handle) {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(handle);
  return found != jobs_.end() && found->second.place != Place::kGone;
}

Result<UniqueFd> SlurmPlacement::watch(const Handle& handle) {
  if (!alive(handle)) return Error(ErrorKind::kNotFound, "job " + handle + " is not in Slurm");
  return UniqueFd();
}

void SlurmPlacement::stop(const Handle& handle) {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(handle);
  if (found == jobs_.end() || found->second.place == Place::kGone) return;
  found->second.stop = true;
  if (found->second.place == Place::kHere) gone(handle, found->second, News::What::kCancelled, {});
  asked_ = true;
  wake();
}

void SlurmPlacement::kill(const std::vector<std::string>& job_ids, const std::vector<Handle>&) {
  std::unique_lock lock(mutex_);
  for (const auto& id : job_ids) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end() || found->second.place == Place::kGone) continue;
    found->second.kill = true;
    if (found->second.place == Place::kHere) found->second.place = Place::kGone;
    asked_ = true;
  }
  wake();
  const auto left = [&] {
    return std::ranges::count_if(job_ids, [&](const std::string& id) {
      const auto found = jobs_.find(id);
      return found != jobs_.end() && found->second.place != Place::kGone;
    });
  };
  if (!changed_.wait_for(lock, kKillPatience, [&] { return left() == 0; }))
    log::warn("Slurm has not ended {} jobs that it was told to kill", left());
}

TakeUp SlurmPlacement::take_up(const std::string& job_id) {
  if (options_.settings.shared.empty()) return TakeUp::kNo;
  return can_be_taken_up(folders_.of(job_id)) == TakeUp::kEnded ? TakeUp::kEnded : TakeUp::kNo;
}

Status SlurmPlacement::remove(const std::string& job_id) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = jobs_.find(job_id); found != jobs_.end()) {
      if (found->second.place == Place::kThere) doubles_.push_back(found->second.id);  // of nobody now
      jobs_.erase(found);
    }
  }
  return remove_tree(folders_.of(job_id));
}

std::vector<News> SlurmPlacement::news() {
  const std::lock_guard lock(mutex_);
  std::uint64_t rings = 0;
  (void)!::read(bell_.get(), &rings, sizeof rings);
  return std::exchange(news_, {});
}

// ---- with the lock

void SlurmPlacement::wake() {
  changed_.notify_all();
}

void SlurmPlacement::tell(News news) {
  news_.push_back(std::move(news));
  const std::uint64_t one = 1;
  (void)!::write(bell_.get(), &one, sizeof one);
}

void SlurmPlacement::gone(const std::string& job_id, Job& job, News::What what, std::string text) {
  job.place = Place::kGone;
  if (!job.given_up.empty()) what = News::What::kFailed, text = job.given_up;
  tell({job_id, what, std::move(text)});
  changed_.notify_all();
}

void SlurmPlacement::note(const std::string& job_id, const Job& job) const {
  const auto text = job.id + (job.started ? " started\n" : "\n");
  if (const auto done = write_file(folders_.of(job_id) / kNote, text); !done)
    log::warn("job {}: {}", job_id, done.error().message());  // its comment names it as well
}

}  // namespace sagelet::jobs::slurm
