#pragma once
// Many objects into one folder, four at a time.
#include <string>
#include <vector>

#include "runner/calls/s3.hpp"

namespace sagelet::runner {

struct Download {
  S3Location from;
  std::string file;
};

/// The first error ends the others. Folders above the files are made.
Status download_all(const std::vector<Download>& downloads, const Server& server, const StopSignal* stop);

/// What lies below `prefix`, as downloads into `folder`.
Result<std::vector<Download>> downloads_below(S3& s3, const S3Location& prefix, const std::string& folder);

}  // namespace sagelet::runner
