#pragma once
// A folder for a test's files.
#include <string>
#include <string_view>

#include "base/fs.hpp"

namespace sagelet {

/// Fresh, and gone at the end.
class TestFolder {
 public:
  const fs::path& path() const { return folder_.path(); }
  std::string operator/(std::string_view name) const { return (path() / name).native(); }

  /// A file with its folders; gives its path.
  std::string file(std::string_view name, std::string_view text) const {
    const auto path = folder_.path() / name;
    (void)make_folders(path.parent_path());
    (void)write_file(path, text);
    return path.native();
  }

 private:
  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "sagelet-");
};

}  // namespace sagelet
