#pragma once
// Which files lie below a folder that others change: each of its folders is read again only when it changed.
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "base/fs.hpp"

namespace sagelet::s3 {

/// Not thread-safe. Links are not followed, but for the folder itself. Says nothing of a file's bytes: who
/// uses one looks at it.
class SeedTree {
 public:
  /// A file came or went; its name is relative to the folder.
  using Change = std::function<void(const std::string& name, bool there)>;

  explicit SeedTree(fs::path folder) : folder_(std::move(folder)) {}
  /// Tells all changes since the last time. A look costs one call a folder, so the next ones are put off
  /// until fifty times as long has gone by, at most two seconds.
  void look(const Change& change);

 private:
  struct Stamp {
    std::uint64_t device = 0, inode = 0;
    std::int64_t modified = 0, changed = 0;  ///< nanoseconds
    bool operator==(const Stamp&) const = default;
  };
  struct Folder {
    Stamp stamp;
    bool settled = false;  ///< what changes it from now on gives it another stamp
    std::set<std::string> files;
    std::map<std::string, Folder> below;
  };
  void look_at(Folder& folder, const fs::path& path, const std::string& name, bool follow,
               const Change& change);
  static void read(Folder& folder, const fs::path& path, const std::string& name, const Change& change);
  static void drop(Folder& folder, const std::string& name, const Change& change);

  const fs::path folder_;
  Folder root_;
  SteadyTime next_{};
};

}  // namespace sagelet::s3
