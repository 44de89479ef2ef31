#include "runner/steps/reserve.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace sagelet::runner {

void DiskReserve::keep(const fs::path& folder) {
  file_ = folder / "reserve";
  const UniqueFd fd(::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  // Not posix_fallocate: where the file system has no such call that writes all the bytes, for every job.
  if (!fd || ::fallocate(fd.get(), 0, 0, kBytes) != 0) give_back();
}

void DiskReserve::give_back() {
  if (!file_.empty()) ::unlink(file_.c_str());
  file_.clear();
}

bool disk_is_full(const fs::path& folder) {
  struct statvfs disk {};
  return ::statvfs(folder.c_str(), &disk) == 0 && disk.f_bavail * disk.f_frsize < (1u << 20);
}

}  // namespace sagelet::runner
