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

/// A FUSE file system, read-only, on a folder of ours where another process sees it too: there it stays until
/// this object goes, or until we are killed. A process of its own sees to that, for a mount outlives whoever
/// made it.
class KeptMount {
 public:
  /// kUnavailable: `pid` does not see our folder.
  static Result<KeptMount> make(pid_t pid, const std::string& folder);
  KeptMount(KeptMount&& other) noexcept = default;
  KeptMount& operator=(KeptMount&&) = delete;
  ~KeptMount();
  /// The kernel's end, once.
  UniqueFd take_fuse() { return std::move(fuse_); }

 private:
  KeptMount() = default;

  UniqueFd fuse_, keeper_;  ///< keeper_: its end tells the keeper to take the mount away
  pid_t pid_ = 0;
};

}  // namespace sagelet::runner
