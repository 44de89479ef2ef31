#pragma once
// The certificate authorities a shell's clients trust, with ours added.
#include <string>
#include <vector>

#include "base/authorities.hpp"
#include "base/result.hpp"
#include "server/cli/environment.hpp"

namespace sagelet::cli {

struct AuthorityFiles {
  std::string authority, bundle;
};
/// Writes both where they can be written and last: `<data>/authority`, else the user's cache folder. The
/// bundle's name holds its digest: shells with other authorities have a file of their own.
Result<AuthorityFiles> write_authorities(const Environment& base, const std::string& data,
                                         const std::string& ours);

}  // namespace sagelet::cli
