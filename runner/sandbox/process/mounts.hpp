#pragma once
// The job's own view of the file system, made inside its mount namespace.
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace sagelet::runner {

/// Makes all later mounts private to this namespace.
Status make_mounts_private();
/// Puts `folder` on /opt/ml; where that cannot be made on the host, /opt becomes a copy of itself that has
/// it.
Status mount_opt_ml(const std::string& folder);
/// Bind mounts `from` on `to`, which is made when missing (a folder) where possible.
Status bind_folder(const std::string& from, const std::string& to);
Status bind_file(const std::string& from, const std::string& to);
/// A fresh /proc that shows this PID namespace only.
Status mount_proc();
/// Maps our own user and group, and no other, into this user namespace.
Status map_own_id(unsigned user, unsigned group);

}  // namespace sagelet::runner
