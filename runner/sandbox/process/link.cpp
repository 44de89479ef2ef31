#include "runner/sandbox/process/link.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.hpp"

namespace sagelet::runner {
namespace {
constexpr const char* kLink = "/opt/ml";
constexpr const char* kLock = "/opt/.sagelet-ml.lock";
}  // namespace

bool link_possible() {
  if (::access("/opt", W_OK) != 0) return false;
  struct stat about;
  if (::lstat(kLink, &about) != 0 || S_ISLNK(about.st_mode)) return true;
  std::error_code none;
  return S_ISDIR(about.st_mode) && fs::is_empty(kLink, none);
}

Result<OptLink> OptLink::open() {
  OptLink link;
  TRY(link.fd_, open_file(kLock, O_RDWR | O_CREAT, 0666));
  return link;
}

bool OptLink::try_lock() {
  return ::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0;
}

Status OptLink::point_to(const std::string& folder) {
  ::rmdir(kLink);
  ::unlink(kLink);
  if (::symlink(folder.c_str(), kLink) != 0) return Error::last(kLink);
  folder_ = folder;
  return {};
}

void OptLink::remove() {
  std::error_code none;
  if (!folder_.empty() && fs::read_symlink(kLink, none) == folder_) ::unlink(kLink);
}

}  // namespace sagelet::runner
