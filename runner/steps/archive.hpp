#pragma once
// A folder as a gzipped tar whose bytes depend on nothing but names, contents, links and execute bits.
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sagelet::runner {

/// Everything in the folder, sorted, relative to it; none where it is not there. A folder that may not be
/// read is an error: what is in it would be missing in silence.
Result<std::vector<std::string>> names_below(const std::string& folder);

/// Members are relative and sorted; times, users and groups are 0. An empty folder gives an empty archive.
/// Sockets, fifos and devices are left out. Links stay links.
Status write_archive(const std::string& folder, const std::string& file);

}  // namespace sagelet::runner
