#include "base/fs.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "fmt/format.h"

namespace sagelet {

Result<UniqueFd> open_file(const fs::path& path, int flags, unsigned mode) {
  while (true) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (fd) return fd;
    if (errno != EINTR) return Error::last(path.string());
  }
}

Result<std::string> read_file(const fs::path& path, std::uint64_t limit) {
  TRY(const UniqueFd fd, open_file(path, O_RDONLY));
  std::string out;
  char buffer[16384];
  while (true) {
    auto n = read_some(fd.get(), buffer);
    if (!n) return std::move(n).error().context(path.string());
    if (*n == 0) return out;
    out.append(buffer, *n);
    if (out.size() > limit)
      return Error(ErrorKind::kNoSpace, fmt::format("{}: larger than {} bytes", path.string(), limit));
  }
}

namespace {

Status fill(const fs::path& path, std::string_view bytes, bool sync, unsigned mode) {
  TRY(const UniqueFd fd, open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
  if (auto written = write_all(fd.get(), bytes); !written)
    return std::move(written).error().context(path.string());
  if (sync && ::fsync(fd.get()) != 0) return Error::last(path.string());
  return {};
}

}  // namespace

Status write_file(const fs::path& path, std::string_view bytes, bool sync, unsigned mode) {
  static std::atomic<unsigned> number{0};  // threads may replace one file at the same time
  const fs::path temporary = fmt::format("{}.{}-{}.tmp", path.string(), ::getpid(), number++);
  auto filled = fill(temporary, bytes, sync, mode);
  if (filled && ::rename(temporary.c_str(), path.c_str()) != 0) filled = Error::last(path.string());
  if (!filled) {
    ::unlink(temporary.c_str());
    return filled;
  }
  if (sync) return sync_folder(path.parent_path());
  return {};
}

Status make_folders(const fs::path& path, unsigned mode) {
  if (path.empty()) return {};
  if (::mkdir(path.c_str(), mode) == 0) return {};
  const int error = errno;
  struct stat info;
  if (error == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return {};
  if (error != ENOENT || path.parent_path() == path) return Error::from_errno(path.string(), error);
  TRY(make_folders(path.parent_path(), mode));
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return Error::last(path.string());
}

namespace {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

Status remove_at(int parent, const char* name, const fs::path& shown);

Status remove_children(UniqueFd folder, const fs::path& shown) {
  const int fd = folder.get();
  std::unique_ptr<DIR, CloseDir> dir(::fdopendir(folder.release()));
  if (!dir) return Error::last(shown.string());
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    TRY(remove_at(fd, entry->d_name, shown / entry->d_name));
  }
  return {};
}

Status remove_at(int parent, const char* name, const fs::path& shown) {
  if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM && errno != EACCES) return Error::last(shown.string());
  constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd folder(::openat(parent, name, kFolder));
  if (!folder && errno == EACCES) {
    (void)!::fchmodat(parent, name, 0700, 0);  // the open below tells whether it helped
    folder = UniqueFd(::openat(parent, name, kFolder));
  }
  if (!folder) return Error::last(shown.string());
  (void)!::fchmod(folder.get(), 0700);
  TRY(remove_children(std::move(folder), shown));
  if (::unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  return Error::last(shown.string());
}

}  // namespace

Status remove_tree(const fs::path& path) {
  return remove_at(AT_FDCWD, path.c_str(), path);
}

Status sync_folder(const fs::path& path) {
  TRY(const UniqueFd fd, open_file(path.empty() ? fs::path(".") : path, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return Error::last(path.string());
  return {};
}

Result<UniqueFd> unnamed_file(const fs::path& folder) {
  UniqueFd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd) return fd;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) return Error::last(folder.string());
  std::string name = (folder / "unnamed-XXXXXX").string();
  fd = UniqueFd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return Error::last(folder.string());
  ::unlink(name.c_str());
  return fd;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

Result<TempFolder> TempFolder::make(const fs::path& parent, std::string_view prefix) {
  std::string name = (parent / fmt::format("{}XXXXXX", prefix)).string();
  if (!::mkdtemp(name.data())) return Error::last(name);
  return TempFolder(fs::path(name));
}

TempFolder::TempFolder(TempFolder&& other) noexcept : path_(other.release()) {}

TempFolder& TempFolder::operator=(TempFolder&& other) noexcept {
  if (this != &other) {
    if (!path_.empty()) (void)remove_tree(path_);
    path_ = other.release();
  }
  return *this;
}

TempFolder::~TempFolder() {
  if (!path_.empty()) (void)remove_tree(path_);
}

fs::path TempFolder::release() {
  fs::path out = std::move(path_);
  path_.clear();
  return out;
}

}  // namespace sagelet
