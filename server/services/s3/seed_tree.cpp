#include "server/services/s3/seed_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

namespace sagelet::s3 {
namespace {

constexpr auto kLongestPause = std::chrono::seconds(2);
constexpr int kPauseFactor = 50;
/// File systems count time in steps; two changes in one step look like one.
constexpr std::int64_t kStep = 2'000'000'000;

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

std::int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time);
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

unsigned char kind_of(DIR* folder, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type;
  struct stat about {};
  if (::fstatat(::dirfd(folder), entry.d_name, &about, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
  return S_ISDIR(about.st_mode) ? DT_DIR : S_ISREG(about.st_mode) ? DT_REG : DT_UNKNOWN;
}

}  // namespace

void SeedTree::look(const Change& change) {
  const auto began = std::chrono::steady_clock::now();
  if (began < next_) return;
  look_at(root_, folder_, {}, true, change);
  const auto ended = std::chrono::steady_clock::now();
  next_ = ended + std::min<SteadyTime::duration>((ended - began) * kPauseFactor, kLongestPause);
}

/// The stamp is taken before the names: what comes in between is seen the next time.
void SeedTree::look_at(Folder& folder, const fs::path& path, const std::string& name, bool follow,
                       const Change& change) {
  struct stat about {};
  const int found = follow ? ::stat(path.c_str(), &about) : ::lstat(path.c_str(), &about);
  if (found != 0 || !S_ISDIR(about.st_mode)) {
    drop(folder, name, change);
    folder = Folder();
    return;
  }
  const Stamp stamp{about.st_dev, about.st_ino, nanoseconds(about.st_mtim), nanoseconds(about.st_ctim)};
  if (stamp != folder.stamp || !folder.settled) {
    folder.stamp = stamp;
    folder.settled = now() - std::max(stamp.modified, stamp.changed) > kStep;
    read(folder, path, name, change);
  }
  for (auto& [below, its] : folder.below) look_at(its, path / below, name + below + "/", false, change);
}

void SeedTree::read(Folder& folder, const fs::path& path, const std::string& name, const Change& change) {
  std::set<std::string> files;
  std::map<std::string, Folder> below;
  const std::unique_ptr<DIR, CloseFolder> open(::opendir(path.c_str()));
  while (const dirent* entry = open ? ::readdir(open.get()) : nullptr) {
    const std::string child = entry->d_name;
    if (child == "." || child == "..") continue;
    const auto kind = kind_of(open.get(), *entry);
    if (kind == DT_REG) files.insert(child);
    if (kind != DT_DIR) continue;
    const auto old = folder.below.extract(child);
    below.emplace(child, old ? std::move(old.mapped()) : Folder());
  }
  for (const auto& file : folder.files)
    if (!files.contains(file)) change(name + file, false);
  for (const auto& file : files)
    if (!folder.files.contains(file)) change(name + file, true);
  for (auto& [gone, its] : folder.below) drop(its, name + gone + "/", change);
  folder.files = std::move(files);
  folder.below = std::move(below);
}

void SeedTree::drop(Folder& folder, const std::string& name, const Change& change) {
  for (const auto& file : folder.files) change(name + file, false);
  for (auto& [below, its] : folder.below) drop(its, name + below + "/", change);
}

}  // namespace sagelet::s3
