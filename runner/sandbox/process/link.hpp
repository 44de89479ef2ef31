#pragma once
// Where there are no namespaces but /opt can be written: /opt/ml as a link to the job's folder, one such job
// at a time.
#include <string>

#include "base/fd.hpp"

namespace sagelet::runner {

/// True when /opt/ml could be made a link: it is missing, a link already, or an empty folder, below a
/// writable /opt.
bool link_possible();

/// The link and the right to it. The lock belongs to the open file, so the init that inherits the descriptor
/// keeps it until it, too, is gone.
class OptLink {
 public:
  static Result<OptLink> open();
  /// False: another job has it.
  bool try_lock();
  Status point_to(const std::string& folder);
  /// Takes the link away, if it is still ours.
  void remove();

 private:
  UniqueFd fd_;
  std::string folder_;
};

}  // namespace sagelet::runner
