#pragma once
// The certificate authorities a shell's clients trust, with ours added.
#include <string>
#include <vector>

#include "base/result.hpp"
#include "server/cli/environment.hpp"

namespace sagelet::cli {

/// The files in force before: those AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE, SSL_CERT_FILE and CURL_CA_BUNDLE name,
/// else certifi's of the active Python, else the system's. Files that cannot be read are left out.
std::vector<std::string> authority_files(const Environment& base);

/// Their certificates and then `ours`, as one PEM text.
std::string bundle_text(const Environment& base, std::string_view ours);

struct AuthorityFiles {
  std::string authority, bundle;
};
/// Writes both where they can be written and last: `<data>/authority`, else the user's cache folder. The
/// bundle's name holds its digest: shells with other authorities have a file of their own.
Result<AuthorityFiles> write_authorities(const Environment& base, const std::string& data,
                                         const std::string& ours);

}  // namespace sagelet::cli
