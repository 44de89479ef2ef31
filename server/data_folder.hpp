#pragma once
// The data folder: made when missing, held by a lock file for as long as the server lives.
#include <filesystem>
#include <optional>

#include "base/fd.hpp"
#include "base/fs.hpp"
#include "base/result.hpp"

namespace sagelet {

class DataFolder {
 public:
  /// Errors name the folder and the remedy; a folder that another server holds names that server's pid.
  static Result<DataFolder> hold(const fs::path& path);
  /// A folder of its own under $TMPDIR, gone with its owner.
  static Result<DataFolder> temporary();

  const fs::path& path() const { return path_; }
  fs::path ledger() const { return path_ / "ledger.db"; }
  fs::path objects() const { return path_ / "objects"; }
  fs::path jobs() const { return path_ / "jobs"; }
  fs::path authority() const { return path_ / "authority"; }
  fs::path pip_cache() const { return path_ / "pip-cache"; }

 private:
  DataFolder(fs::path path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  fs::path path_;
  UniqueFd lock_;
  std::optional<TempFolder> temporary_;
};

}  // namespace sagelet
