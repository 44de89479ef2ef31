#include "server/data_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>

#include "fmt/format.h"

namespace sagelet {

namespace {

Error in_use(const fs::path& path) {
  std::string pid = "another process";
  if (auto text = read_file(path / "lock", 64); text && !trimmed(*text).empty())
    pid = fmt::format("process {}", trimmed(*text));
  return Error(
      ErrorKind::kConflict,
      fmt::format(
          "the data folder {} is in use by {}. Stop that server, or give this one a folder of its own "
          "with --data DIR (or --ephemeral).",
          path.string(), pid));
}

Error not_writable(const fs::path& path, const Error& why) {
  return Error(why.kind(),
               fmt::format("the data folder {} cannot be used: {}. Choose another one with --data DIR.",
                           path.string(), why.message()));
}

Result<UniqueFd> lock(const fs::path& path) {
  TRY(UniqueFd file, open_file(path / "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) return in_use(path);
  if (ftruncate(file.get(), 0) != 0) return Error::last("truncating the lock file");
  TRY(pwrite_all(file.get(), fmt::format("{}\n", getpid()), 0));
  return file;
}

}  // namespace

Result<DataFolder> DataFolder::hold(const fs::path& path) {
  if (auto made = make_folders(path, 0700); !made) return not_writable(path, made.error());
  auto file = lock(path);
  if (!file) return file.error().is(ErrorKind::kConflict) ? file.error() : not_writable(path, file.error());
  return DataFolder(path, std::move(*file));
}

Result<DataFolder> DataFolder::temporary() {
  const char* parent = std::getenv("TMPDIR");
  TRY(TempFolder folder, TempFolder::make(parent && *parent ? parent : "/tmp", "sagelet-"));
  TRY(DataFolder held, hold(folder.path()));
  held.temporary_.emplace(std::move(folder));
  return held;
}

}  // namespace sagelet
