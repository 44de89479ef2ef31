#pragma once
// What every job finds in its environment so that a script's own SDK calls, and pip, work as they do outside:
// the server's pip settings, the forward proxy and the authority.
#include <filesystem>
#include <string>
#include <vector>

namespace sagelet {

/// "NAME=value" entries. `bundle` is the file with all authorities, ours among them. `offline`: the proxy
/// refuses every index, and pip need not try again.
std::vector<std::string> job_environment(const std::string& server_url, const std::filesystem::path& bundle,
                                         bool offline);

}  // namespace sagelet
