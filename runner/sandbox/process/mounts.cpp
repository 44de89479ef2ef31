#include "runner/sandbox/process/mounts.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.hpp"

namespace sagelet::runner {
namespace {

struct Entry {
  std::string name;
  UniqueFd fd;  ///< O_PATH: keeps the old entry within reach below the new mount
  bool folder = false;
  std::string target;  ///< of a symbolic link
};

Result<std::vector<Entry>> entries_of(const char* folder) {
  std::vector<Entry> entries;
  DIR* list = ::opendir(folder);
  if (!list) return Error::last(folder);
  while (const dirent* item = ::readdir(list)) {
    const std::string name = item->d_name;
    if (name == "." || name == ".." || name == "ml") continue;
    Entry entry{.name = name,
                .fd = UniqueFd(::openat(::dirfd(list), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)),
                .target = {}};
    struct stat about;
    if (!entry.fd || ::fstat(entry.fd.get(), &about) != 0) continue;
    entry.folder = S_ISDIR(about.st_mode);
    char target[4096];
    const ssize_t length = ::readlinkat(entry.fd.get(), "", target, sizeof target);
    if (length > 0) entry.target.assign(target, static_cast<std::size_t>(length));
    entries.push_back(std::move(entry));
  }
  ::closedir(list);
  return entries;
}

Status mount_call(const char* from, const char* to, const char* type, unsigned long flags) {
  if (::mount(from, to, type, flags, nullptr) == 0) return {};
  return Error::last(std::string("mount on ") + to);
}

Status bring_back(const Entry& entry) {
  const std::string path = "/opt/" + entry.name;
  if (!entry.target.empty()) {
    if (::symlink(entry.target.c_str(), path.c_str()) != 0) return Error::last(path);
    return {};
  }
  if (entry.folder)
    ::mkdir(path.c_str(), 0755);
  else
    UniqueFd(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  return mount_call(("/proc/self/fd/" + std::to_string(entry.fd.get())).c_str(), path.c_str(), nullptr,
                    MS_BIND | MS_REC);
}

/// /opt becomes a small file system in memory with the old entries bound back and an empty ml.
Status rebuild_opt() {
  ::mkdir("/opt", 0755);
  TRY(const std::vector<Entry> entries, entries_of("/opt"));
  TRY(mount_call("tmpfs", "/opt", "tmpfs", 0));
  for (const Entry& entry : entries) TRY(bring_back(entry));
  if (::mkdir("/opt/ml", 0755) != 0) return Error::last("/opt/ml");
  return {};
}

bool is_folder(const std::string& path) {
  struct stat about;
  return ::lstat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode);
}

bool make_folder(const std::string& path) {
  for (std::size_t slash = 1; (slash = path.find('/', slash)) != path.npos; ++slash)
    ::mkdir(path.substr(0, slash).c_str(), 0755);
  ::mkdir(path.c_str(), 0755);
  return is_folder(path);
}

Status write_text(const char* path, const std::string& text) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) < 0) return Error::last(path);
  return {};
}

}  // namespace

Status make_mounts_private() {
  return mount_call(nullptr, "/", nullptr, MS_REC | MS_PRIVATE);
}

// Never on the machine's own /opt/ml: should somebody remove that folder outside (a job with a link there
// does), the kernel takes mounts on it away in all namespaces.
Status mount_opt_ml(const std::string& folder) {
  TRY(rebuild_opt());
  return mount_call(folder.c_str(), "/opt/ml", nullptr, MS_BIND | MS_REC);
}

Status bind_folder(const std::string& from, const std::string& to) {
  if (!make_folder(to)) return Error::last(to);
  return mount_call(from.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC);
}

Status bind_file(const std::string& from, const std::string& to) {
  return mount_call(from.c_str(), to.c_str(), nullptr, MS_BIND);
}

Status mount_proc() {
  return mount_call("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

Status map_own_id(unsigned user, unsigned group) {
  const auto line = [](unsigned id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; };
  TRY(write_text("/proc/self/setgroups", "deny"));
  TRY(write_text("/proc/self/uid_map", line(user)));
  return write_text("/proc/self/gid_map", line(group));
}

}  // namespace sagelet::runner
