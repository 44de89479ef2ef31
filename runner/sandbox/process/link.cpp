#include "runner/sandbox/process/link.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.hpp"

namespace sagelet::runner {
namespace {

bool possible(const std::string& opt, bool replace_folder) {
  if (::access(opt.c_str(), W_OK) != 0) return false;
  const std::string link = opt + "/ml";
  struct stat about;
  if (::lstat(link.c_str(), &about) != 0 || S_ISLNK(about.st_mode)) return true;
  std::error_code none;
  return replace_folder && S_ISDIR(about.st_mode) && fs::is_empty(link, none);
}

}  // namespace

Result<OptLink> OptLink::open(bool replace_folder, const std::string& opt) {
  if (!possible(opt, replace_folder)) return Error(ErrorKind::kPermission, opt + "/ml cannot be made a link");
  OptLink link;
  link.link_ = opt + "/ml";
  link.replace_folder_ = replace_folder;
  TRY(link.fd_, open_file(opt + "/.sagelet-ml.lock", O_RDWR | O_CREAT, 0666));
  return link;
}

bool OptLink::try_lock() {
  return ::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0;
}

Status OptLink::point_to(const std::string& folder) {
  if (replace_folder_) ::rmdir(link_.c_str());
  ::unlink(link_.c_str());
  if (::symlink(folder.c_str(), link_.c_str()) != 0) return Error::last(link_);
  folder_ = folder;
  return {};
}

void OptLink::remove() {
  std::error_code none;
  if (!folder_.empty() && fs::read_symlink(link_, none) == folder_) ::unlink(link_.c_str());
}

}  // namespace sagelet::runner
