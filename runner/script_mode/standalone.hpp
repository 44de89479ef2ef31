#pragma once
#include <string>

namespace sagelet::script_mode {

/// `sagelet-runner --script-mode BASE --python PYTHON`: the framework container's `train` below a base folder
/// whose input/config is there already, in our own environment and without a server. Gives train's exit code.
int run_standalone(const std::string& base, const std::string& python);

}  // namespace sagelet::script_mode
