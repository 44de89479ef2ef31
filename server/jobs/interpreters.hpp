#pragma once
// The Python interpreters of this machine that jobs may run with.
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sagelet::jobs {

struct Interpreter {
  std::string path;  ///< absolute; a virtual environment's own python, not what it links to
  int minor = 0;     ///< 11 for Python 3.11; 0: not found out
};

/// Thread-safe. Nothing is looked up before the first job needs it, and an interpreter is started only where
/// its files do not tell its version (a pyenv shim, say).
class Interpreters {
 public:
  /// Paths, or names to look up on PATH; the first is the default.
  explicit Interpreters(std::vector<std::string> configured);

  /// The first of version 3.<minor>; the default when none is, or minor is 0. kNotFound says what to set.
  Result<Interpreter> pick(int minor);
  /// As pick(), but python3.<minor> on PATH comes before a default of another version: for jobs that run with
  /// no other, however few packages it has.
  Result<Interpreter> of_version(int minor);
  /// One that a rule names.
  Result<Interpreter> find(const std::string& name);

 private:
  std::vector<std::string> configured_;
  std::mutex mutex_;
  std::map<std::string, Interpreter> known_;
};

}  // namespace sagelet::jobs
