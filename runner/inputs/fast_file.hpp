#pragma once
// FastFile mode: a channel as a read-only file system whose files are read from S3 when the script reads
// them.
#include <memory>

#include "base/fd.hpp"
#include "runner/inputs/items.hpp"

namespace sagelet::runner {

/// Serves one mounted channel with libfuse3, which is opened when it is first wanted: a machine without it
/// runs the runner all the same. Four threads; a file's bytes are read ahead when it is read in order. Names
/// stay on disk (file_tree.hpp).
class FastFile {
 public:
  /// `fuse` is the descriptor of the mount. kUnavailable: libfuse3 is not here; kInvalid: the names do not
  /// make a tree.
  static Result<std::unique_ptr<FastFile>> serve(UniqueFd fuse, ItemList items, const Server& server,
                                                 const StopSignal& stop);
  /// nullptr when libfuse3 can be used, else why not.
  static const char* why_not();
  ~FastFile();

 private:
  FastFile();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sagelet::runner
