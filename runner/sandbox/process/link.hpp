#pragma once
// Where there are no namespaces but /opt can be written: /opt/ml as a link to the job's folder, one such job
// at a time.
#include <string>

#include "base/fd.hpp"

namespace sagelet::runner {

/// The link and the right to it. The lock belongs to the open file, so the init that inherits the descriptor
/// keeps it until it, too, is gone.
class OptLink {
 public:
  /// kPermission when /opt/ml cannot be made a link: it can where it is missing or a link already, below a
  /// writable /opt. An empty folder is taken away if `replace_folder`; only where nobody may have mounted
  /// anything on it, since that would take a mount away from other jobs' namespaces, too. `opt` is another
  /// /opt (tests).
  static Result<OptLink> open(bool replace_folder, const std::string& opt = "/opt");
  /// False: another job has it.
  bool try_lock();
  Status point_to(const std::string& folder);
  /// Takes the link away, if it is still ours.
  void remove();

 private:
  std::string link_;
  bool replace_folder_ = false;
  UniqueFd fd_;
  std::string folder_;
};

}  // namespace sagelet::runner
