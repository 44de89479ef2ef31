#pragma once
// The certificate authorities that clients trust, with ours added: the same rule for a shell and for a job.
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sagelet {

/// The files in force in `environment`: those AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE, SSL_CERT_FILE and
/// CURL_CA_BUNDLE name, else certifi's of the active Python, else the system's. Files that cannot be read are
/// left out.
std::vector<std::string> authority_files(const std::map<std::string, std::string>& environment);

/// Their certificates and then `ours`, as one PEM text, each once.
std::string bundle_text(const std::map<std::string, std::string>& environment, std::string_view ours);

}  // namespace sagelet
