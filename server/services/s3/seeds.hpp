#pragma once
// A folder served as a read-only bucket that every account sees (--seed-bucket NAME=DIR).
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/fs.hpp"
#include "base/result.hpp"
#include "server/storage/listing.hpp"
#include "server/storage/objects.hpp"

namespace sagelet::s3 {

/// Keys are relative paths found by walking the folder; a key is looked up among them and never joined to a
/// path. Links that leave the folder are not followed. The folder is walked again when the last walk is older
/// than a moment. Thread-safe.
class SeedFolder {
 public:
  SeedFolder(std::string name, fs::path folder) : name_(std::move(name)), folder_(std::move(folder)) {}
  const std::string& name() const { return name_; }

  Result<std::optional<storage::OpenObject>> find(const std::string& key, storage::ObjectStore::Want want);
  Result<storage::ListPage> list(const storage::ListQuery& query);
  Result<bool> any_under(std::string_view prefix);

 private:
  struct File {
    fs::path path;
    std::uint64_t size = 0;
    WallTime modified;
    std::string etag;  ///< empty until somebody asks
  };
  void walk_if_old();
  Result<storage::ObjectRow> row_of(const std::string& key, File& file);

  const std::string name_;
  const fs::path folder_;
  std::mutex mutex_;
  std::map<std::string, File, std::less<>> files_;
  SteadyTime walked_{};
};

}  // namespace sagelet::s3
