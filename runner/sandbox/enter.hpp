#pragma once
// Work inside a running sandbox's mount namespace, done from outside.
#include <sys/types.h>

#include <functional>
#include <string>

#include "base/fd.hpp"

namespace sagelet::runner {

/// Forks a child into the user and mount namespaces of `pid` and runs `work` there, which gives a descriptor
/// or -errno. The descriptor comes back to us; what was mounted stays there.
Result<UniqueFd> open_inside(pid_t pid, const std::function<int()>& work);

/// Mounts a FUSE file system, read-only, on `folder` as the sandbox sees it. Gives the kernel's end to serve.
Result<UniqueFd> mount_fuse_inside(pid_t pid, const std::string& folder);
/// Shows `from` on `folder`.
Status bind_inside(pid_t pid, const std::string& from, const std::string& folder, bool read_only);

}  // namespace sagelet::runner
