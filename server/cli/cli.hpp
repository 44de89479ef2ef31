#pragma once
// The command line. All but serve and exec are clients of a running server.
#include <functional>

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

/// The whole program: parses, runs the sub-command, gives the exit code.
int run(int argc, char** argv, const ServeHook& serve);

}  // namespace sagelet::cli
