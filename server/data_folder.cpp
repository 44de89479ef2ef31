#include "server/data_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "fmt/format.h"

namespace sagelet {

namespace {

constexpr auto kWaitForTheDead = std::chrono::seconds(2);

std::string noted_pid(const fs::path& path) {
  return std::string(trimmed(read_file(path / "lock", 64).value_or(std::string())));
}

Error in_use(const fs::path& path) {
  const std::string noted = noted_pid(path);
  const std::string pid = noted.empty() ? "another process" : fmt::format("process {}", noted);
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

bool is_dead(const std::string& pid) {
  return !pid.empty() && !fs::exists("/proc/" + pid);
}

/// A server that was killed while it started a program leaves a child that has its lock until it is that
/// program.
bool take(int file, const fs::path& path) {
  const auto until = std::chrono::steady_clock::now() + kWaitForTheDead;
  while (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (!is_dead(noted_pid(path)) || std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

Result<UniqueFd> lock(const fs::path& path) {
  TRY(UniqueFd file, open_file(path / "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!take(file.get(), path)) return in_use(path);
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
