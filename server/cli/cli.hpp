#pragma once
// The command line. All but serve and exec are clients of a running server.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/result.hpp"
#include "server/config.hpp"

namespace sagelet::cli {

/// Exit codes that scripts may trust; printed by --help.
enum ExitCode {
  kOk = 0,
  kFailed = 1,       ///< the server refused, a job was not found
  kUsage = 2,        ///< the command line or the config is wrong
  kNoServer = 3,     ///< nobody answers at the URL
  kCannotStart = 4,  ///< serve or exec could not start: port, data folder
  kNotRun = 127,     ///< exec: CMD was not found
};

/// Starts the server and blocks until SIGTERM or SIGINT; gives the program's exit code. Prints
/// `sagelet ready <url>` on stdout and writes the ready file itself.
using ServeHook = std::function<int(const Config& config)>;

/// What is done to a data folder by ourselves, not by a server.
struct OfflineHooks {
  struct Totals {
    std::uint64_t files = 0, bytes = 0;
  };
  using Path = std::filesystem::path;
  /// Gives what GET /_sagelet/scrub would, and tells `progress` the same now and then.
  std::function<Result<std::string>(const Path& data, const std::function<void(std::string_view)>& progress)>
      scrub;
  std::function<Result<Totals>(const Path& data, const Path& file)> save;  ///< of a folder that nobody uses
  std::function<Result<Totals>(const Path& prepared, const Path& file)> pack;  ///< what a server prepared
  std::function<Result<Totals>(const Path& file, const Path& data)> restore;
};

/// The whole program: parses, runs the sub-command, gives the exit code.
int run(int argc, char** argv, const ServeHook& serve, const OfflineHooks& offline = {});

}  // namespace sagelet::cli
