#pragma once
// Files and folders, with errors that name the path.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace sagelet {

namespace fs = std::filesystem;

/// Whole file as a string; files over `limit` bytes are kNoSpace.
Result<std::string> read_file(const fs::path& path, std::uint64_t limit = 64u << 20);
/// Replaces `path` atomically (temporary beside it + rename). With `sync`, file and folder are synced before
/// return.
Status write_file(const fs::path& path, std::string_view bytes, bool sync = false, unsigned mode = 0644);
Result<UniqueFd> open_file(const fs::path& path, int flags, unsigned mode = 0644);
Status make_folders(const fs::path& path, unsigned mode = 0755);
/// Removes a tree without following links; unreadable folders are made writable first. Missing is fine.
Status remove_tree(const fs::path& path);
Status sync_folder(const fs::path& path);
/// An unnamed file in `folder` (O_TMPFILE, else a temporary that is unlinked at once).
Result<UniqueFd> unnamed_file(const fs::path& folder);
std::string_view trimmed(std::string_view text);

/// A folder that goes with its owner.
class TempFolder {
 public:
  static Result<TempFolder> make(const fs::path& parent, std::string_view prefix);
  TempFolder(TempFolder&& other) noexcept;
  TempFolder& operator=(TempFolder&& other) noexcept;
  ~TempFolder();
  const fs::path& path() const { return path_; }
  /// Keeps the folder: it is the caller's now.
  fs::path release();

 private:
  explicit TempFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

}  // namespace sagelet
