#pragma once
// A job's private Python environment: what it installs is seen by nobody else, what its parent has is seen by
// it.
#include <string>
#include <vector>

#include "base/fs.hpp"

namespace sagelet::runner {

struct Interpreter {
  std::string executable;  ///< the base one: what a virtual environment links to
  int major = 3, minor = 0;
  std::vector<std::string> site_folders;
  std::string version() const { return std::to_string(major) + "." + std::to_string(minor); }
};

/// Asks the interpreter (some 15 ms), or `cache` when it was asked before and did not change since.
Result<Interpreter> describe(const std::string& python, const fs::path& cache);

/// Two links, a pyvenv.cfg, a .pth and wrappers for pip: 0.4 ms, and works on top of another virtual
/// environment, which `python -m venv` does not.
Status make_overlay(const Interpreter& interpreter, const fs::path& folder);

}  // namespace sagelet::runner
