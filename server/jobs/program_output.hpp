#pragma once
// Asking a program something: what it writes to stdout.
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sagelet::jobs {

/// For answers of a few lines (a pipe's buffer). kInvalid: it failed or took too long; its stderr is dropped.
Result<std::string> output_of(std::vector<std::string> argv);

}  // namespace sagelet::jobs
