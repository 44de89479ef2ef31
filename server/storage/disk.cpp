#include "server/storage/disk.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "base/fs.hpp"
#include "fmt/format.h"

namespace sagelet::storage {

namespace {

/// With the folder made when it was missing: the folders of ids appear as they are needed.
template <class Call>
int call_making_folder(const std::filesystem::path& path, Call call) {
  int done = call();
  if (done < 0 && errno == ENOENT) {
    const int before = errno;
    if (::mkdir(path.parent_path().c_str(), 0755) != 0 && errno != EEXIST) {
      errno = before;
      return done;
    }
    done = call();
  }
  return done;
}

Result<NewFile> create_named(const std::filesystem::path& folder) {
  static std::atomic<std::uint64_t> serial{0};
  const auto staging = folder / "staging";
  const auto name = staging / fmt::format("{}-{}", ::getpid(), serial.fetch_add(1));
  const int fd = call_making_folder(
      name, [&] { return ::open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644); });
  if (fd < 0) return Error::last(name.native());
  return NewFile{UniqueFd(fd), name};
}

std::string descriptor_path(int fd) {
  return fmt::format("/proc/self/fd/{}", fd);
}

}  // namespace

Result<NewFile> Disk::create(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
  if (fd >= 0) return NewFile{UniqueFd(fd), {}};
  if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) return create_named(folder);
  return Error::last(folder.native());
}

Status Disk::write(int fd, std::string_view bytes) {
  return write_all(fd, bytes);
}

Status Disk::sync(int fd) {
  if (::fdatasync(fd) != 0) return Error::last("fdatasync");
  return {};
}

Status Disk::sync_folder(const std::filesystem::path& folder) {
  return sagelet::sync_folder(folder);
}

Status Disk::name(NewFile& file, const std::filesystem::path& path) {
  if (file.name.empty()) return link(file.fd.get(), path);
  const int done = call_making_folder(path, [&] {
    return ::renameat2(AT_FDCWD, file.name.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
  });
  if (done != 0) return Error::last(path.native());
  file.name.clear();
  return {};
}

Status Disk::link(int fd, const std::filesystem::path& path) {
  const auto source = descriptor_path(fd);
  const int done = call_making_folder(
      path, [&] { return ::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW); });
  if (done != 0) return Error::last(path.native());
  return {};
}

Result<UniqueFd> Disk::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error::last(path.native());
  return UniqueFd(fd);
}

Status Disk::remove(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return Error::last(path.native());
  return {};
}

Disk& real_disk() {
  static Disk disk;
  return disk;
}

}  // namespace sagelet::storage
