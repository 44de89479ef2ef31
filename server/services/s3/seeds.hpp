#pragma once
// A folder served as a read-only bucket that every account sees (--seed-bucket NAME=DIR).
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/fs.hpp"
#include "base/result.hpp"
#include "server/services/s3/seed_tree.hpp"
#include "server/storage/listing.hpp"
#include "server/storage/objects.hpp"

namespace sagelet::s3 {

/// Keys are relative paths found by looking through the folder (seed_tree.hpp); what is not among them is
/// never joined to a path. Links below the folder are not followed. Of a file's size, time and bytes nothing
/// is kept but an ETag, for as long as its inode and times are the same. Thread-safe.
class SeedFolder {
 public:
  SeedFolder(std::string name, fs::path folder)
      : name_(std::move(name)), folder_(std::move(folder)), tree_(folder_) {}
  const std::string& name() const { return name_; }

  Result<std::optional<storage::OpenObject>> find(const std::string& key, storage::ObjectStore::Want want);
  Result<storage::ListPage> list(const storage::ListQuery& query);
  Result<bool> any_under(std::string_view prefix);

 private:
  struct File {
    std::uint64_t size = 0, inode = 0;
    std::int64_t modified = 0, changed = 0;  ///< nanoseconds
    std::string etag;                        ///< empty until somebody asks
  };
  using Files = std::map<std::string, File, std::less<>>;
  void look();
  /// False: it is not there any more, or not a file.
  bool is_there(Files::value_type& file) const;
  Result<storage::ObjectRow> row_of(Files::value_type& file) const;

  const std::string name_;
  const fs::path folder_;
  std::mutex mutex_;
  SeedTree tree_;
  Files files_;
};

}  // namespace sagelet::s3
