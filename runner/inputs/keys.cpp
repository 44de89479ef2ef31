#include "runner/inputs/keys.hpp"

namespace sagelet::runner {
namespace {

std::string_view below(std::string_view prefix, std::string_view key) {
  if (key.starts_with(prefix) && key.size() > prefix.size()) {
    if (prefix.empty() || prefix.ends_with('/')) return key.substr(prefix.size());
    if (key[prefix.size()] == '/') return key.substr(prefix.size() + 1);
  }
  const auto slash = prefix.rfind('/');
  return slash == prefix.npos ? key : key.substr(slash + 1);
}

}  // namespace

std::string local_name(std::string_view prefix, std::string_view key) {
  std::string out;
  std::string_view rest = below(prefix, key);
  while (!rest.empty()) {
    const auto slash = rest.find('/');
    const auto part = rest.substr(0, slash);
    if (!part.empty()) out += out.empty() ? "" : "/";
    out += part == "." ? "%2E" : part == ".." ? "%2E%2E" : part;
    rest.remove_prefix(slash == rest.npos ? rest.size() : slash + 1);
  }
  return out;
}

}  // namespace sagelet::runner
