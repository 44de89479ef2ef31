#pragma once
// The system calls that object bytes go through: one seam, so tests can fill the disk or break a sync.
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace sagelet::storage {

/// A file nobody can find yet. `name` is empty when it has none (O_TMPFILE); else it lies in the staging
/// folder.
struct NewFile {
  UniqueFd fd;
  std::filesystem::path name;
};

/// Thread-safe.
class Disk {
 public:
  virtual ~Disk() = default;
  /// In `folder`; file systems without O_TMPFILE get a name in `folder`/staging.
  virtual Result<NewFile> create(const std::filesystem::path& folder);
  virtual Status write(int fd, std::string_view bytes);
  virtual Status sync(int fd);
  virtual Status sync_folder(const std::filesystem::path& folder);
  /// Gives the file its name: whole or not at all, never over another (kAlreadyExists).
  virtual Status name(NewFile& file, const std::filesystem::path& path);
  /// A second name for an open file's bytes. kNotFound when its last name is gone.
  virtual Status link(int fd, const std::filesystem::path& path);
  virtual Result<UniqueFd> open(const std::filesystem::path& path);
  /// Missing is fine.
  virtual Status remove(const std::filesystem::path& path);
};

/// The real one.
Disk& real_disk();

}  // namespace sagelet::storage
