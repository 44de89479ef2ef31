#pragma once
// A folder as a gzipped tar whose bytes depend on nothing but names, contents, links and execute bits.
#include <string>

#include "base/result.hpp"

namespace sagelet::runner {

/// Members are relative and sorted; times, users and groups are 0. An empty folder gives an empty archive.
/// Sockets, fifos and devices are left out. Links stay links.
Status write_archive(const std::string& folder, const std::string& file);

/// True when the folder holds nothing at all (or is not there).
bool is_empty_tree(const std::string& folder);

}  // namespace sagelet::runner
