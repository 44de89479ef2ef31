#include "runner/sandbox/process/private_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "base/fs.hpp"
#include "runner/sandbox/process/mounts.hpp"

namespace sagelet::runner {
namespace {

constexpr std::size_t kMostEntries = 2000;  // a mount each
/// Those that the kernel makes, and those that are the job's own already (scratch.hpp).
constexpr std::array kLeftAlone{"/proc", "/sys", "/dev", "/dev/shm", "/tmp", "/var/tmp"};

struct Entry {
  std::string name;
  UniqueFd tree;  ///< a copy of it with all that is mounted below, not yet anywhere
  bool folder = false;
  std::string target;  ///< of a symbolic link
};

Result<Entry> take(const fs::path& path) {
  Entry entry{.name = path.filename(), .tree = {}, .target = {}};
  std::error_code error;
  if (fs::is_symlink(path, error)) {
    entry.target = fs::read_symlink(path, error);
    return entry;
  }
  entry.folder = fs::is_directory(path, error);
  entry.tree.reset(
      static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, path.c_str(),
                                 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW)));
  if (!entry.tree) return Error::last(path.native());
  return entry;
}

Result<std::vector<Entry>> entries_of(const std::string& folder) {
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::directory_iterator item(folder, error), end; !error && item != end; item.increment(error)) {
    if (entries.size() == kMostEntries) return Error(ErrorKind::kNoSpace, "too many entries in " + folder);
    TRY(Entry entry, take(item->path()));
    entries.push_back(std::move(entry));
  }
  if (error) return Error(ErrorKind::kIo, folder + ": " + error.message());
  return entries;
}

Status put(const Entry& entry, const std::string& folder) {
  const std::string path = folder + "/" + entry.name;
  if (!entry.target.empty())
    return ::symlink(entry.target.c_str(), path.c_str()) == 0 ? Status() : Error::last(path);
  if (entry.folder)
    ::mkdir(path.c_str(), 0755);
  else
    UniqueFd(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  if (::syscall(SYS_move_mount, entry.tree.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return Error::last(path);
  return {};
}

Status become_root(const std::string& folder) {
  if (::chdir(folder.c_str()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
      ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0)
    return Error::last("a root of the job's own");
  return {};
}

/// `folder` and all below it as before, but what is added to it is the job's own.
Status copy_over(const std::string& folder, const std::string& scratch) {
  TRY(const std::vector<Entry> entries, entries_of(folder));
  const bool root = folder == "/";
  const std::string& place = root ? scratch : folder;
  struct stat about;
  if (::stat(folder.c_str(), &about) != 0) return Error::last(folder);
  char options[32];
  std::snprintf(options, sizeof options, "mode=%o", about.st_mode & 07777);
  if (::mount("tmpfs", place.c_str(), "tmpfs", 0, options) != 0) return Error::last("mount on " + place);
  Status done;
  for (const Entry& entry : entries)
    if (done) done = put(entry, place);
  if (done && root) done = become_root(place);
  if (!done) ::umount2(place.c_str(), MNT_DETACH);
  return done;
}

fs::path nearest_above(fs::path path) {
  std::error_code error;
  while (path.has_relative_path() && !fs::is_directory(path, error)) path = path.parent_path();
  return path;
}

}  // namespace

Status bind_privately(const std::string& from, const std::string& to, const std::string& scratch) {
  const fs::path wanted = fs::path(to).lexically_normal();
  const std::string above = nearest_above(wanted);
  const bool missing = above != wanted && above + "/" != wanted;
  const bool left_alone = std::ranges::find(kLeftAlone, above) != kLeftAlone.end();
  // Refused: better a folder on the machine than no job.
  if (missing && !left_alone) [[maybe_unused]]
    const Status copied = copy_over(above, scratch);
  return bind_folder(from, to);
}

}  // namespace sagelet::runner
