#include "runner/sandbox/process/scratch.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/fs.hpp"
#include "base/log.hpp"

namespace sagelet::runner {
namespace {

/// Of the job's folder.
constexpr const char* kTmp = "/tmp";
constexpr const char* kVarTmp = "/var-tmp";
constexpr unsigned long kShmFlags = MS_NOSUID | MS_NODEV;

/// A path that stays within reach below a new mount.
struct Entry {
  std::string path;
  UniqueFd fd;
  bool folder = false;
};

bool is_folder(const std::string& path) {
  struct stat about;
  return ::lstat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode);
}

/// `kept` is sorted: what is one that is taken, or lies below it, needs no mount of its own.
std::vector<Entry> entries_below(const std::string& place, const std::vector<std::string>& kept) {
  std::vector<Entry> entries;
  for (const std::string& path : kept) {
    if (!path.starts_with(place + "/")) continue;
    const auto covers = [&](const Entry& entry) { return (path + "/").starts_with(entry.path + "/"); };
    if (std::ranges::any_of(entries, covers)) continue;
    Entry entry{path, UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC))};
    struct stat about;
    if (!entry.fd || ::fstat(entry.fd.get(), &about) != 0) continue;
    entry.folder = S_ISDIR(about.st_mode);
    entries.push_back(std::move(entry));
  }
  return entries;
}

Status bring_back(const Entry& entry) {
  TRY(make_folders(fs::path(entry.path).parent_path()));
  if (entry.folder) {
    TRY(make_folders(entry.path));
  } else {
    TRY(open_file(entry.path, O_RDONLY | O_CREAT | O_CLOEXEC));
  }
  const std::string from = "/proc/self/fd/" + std::to_string(entry.fd.get());
  if (::mount(from.c_str(), entry.path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
    return Error::last("mount on " + entry.path);
  return {};
}

/// `source` on `place`: bound, or a fresh file system in memory when it is empty.
Status cover(const std::string& place, const std::string& source, const std::vector<std::string>& kept) {
  if (!is_folder(place) || std::ranges::find(kept, place) != kept.end()) return {};
  const auto entries = entries_below(place, kept);
  if (source.empty()) {
    if (::mount("tmpfs", place.c_str(), "tmpfs", kShmFlags, "mode=1777") != 0)
      return Error::last("mount on " + place);
  } else {
    TRY(make_folders(source));
    ::chmod(source.c_str(), 01777);
    if (::mount(source.c_str(), place.c_str(), nullptr, MS_BIND, nullptr) != 0)
      return Error::last("mount on " + place);
  }
  for (const Entry& entry : entries) TRY(bring_back(entry));
  return {};
}

}  // namespace

Status make_scratch_private(const std::string& folder, std::vector<std::string> kept) {
  kept.push_back(folder);
  std::ranges::sort(kept);
  kept.erase(std::ranges::unique(kept).begin(), kept.end());
  // The first cover hides the folder for the moment between its mount and bring_back(): sources are opened
  // before.
  TRY(cover("/tmp", folder + kTmp, kept));
  TRY(cover("/var/tmp", folder + kVarTmp, kept));
  return cover("/dev/shm", "", kept);
}

void remove_scratch(const std::string& folder) {
  for (const char* name : {kTmp, kVarTmp})
    if (const Status done = remove_tree(folder + name); !done) log::warn("{}", done.error().message());
}

}  // namespace sagelet::runner
