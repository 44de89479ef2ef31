#pragma once
// The options of serve as they were written, and what they make of the config: file first, command line above
// it.
#include <optional>
#include <string>
#include <vector>

#include "server/config.hpp"

namespace sagelet::cli {

struct ServeFlags {
  std::optional<std::string> host, advertise, data, account, region, auth, s3_upstream;
  std::optional<int> port;
  bool ephemeral = false, offline = false;
  std::string config, ready_file;
  std::vector<std::string> seed_buckets;
};

/// Errors are kInvalid and for the user. Without --config, sagelet.yaml of the current folder is read if
/// there is one.
Result<Config> make_config(const ServeFlags& flags);

}  // namespace sagelet::cli
