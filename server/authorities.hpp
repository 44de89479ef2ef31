#pragma once
// The file of all certificate authorities that jobs trust: those in force where the server was started, and
// ours.
#include <filesystem>

#include "base/result.hpp"

namespace sagelet {

/// Makes `authority`/bundle.pem (and the authority itself) when missing; gives its path. Thread-safe.
Result<std::filesystem::path> write_bundle(const std::filesystem::path& authority);

}  // namespace sagelet
