#pragma once
// Files that a container's root made below folders of ours, when we are not root and the engine is.
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sagelet::client {

/// Whether anything at or below the folder is another user's.
bool has_foreign_files(const std::string& folder);

/// Makes all that is below the folders this user's: sagelet-own-files, which lies beside our own program,
/// runs as the root of one more container of `image`, which sees nothing but the folders and has no network.
/// `label`, "name=value", is how that container is found again should we die. Does nothing for root, and
/// where nothing is another's.
Status own_files(const std::string& socket, const std::string& image, const std::string& label,
                 const std::vector<std::string>& folders);

}  // namespace sagelet::client
