#include "server/cli/authorities.hpp"

#include <unistd.h>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "fmt/format.h"

namespace sagelet::cli {

namespace {

constexpr std::size_t kNameDigits = 12;

std::string value_of(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

fs::path cache_folder(const Environment& base) {
  const auto cache = value_of(base, "XDG_CACHE_HOME");
  if (!cache.empty()) return fs::path(cache) / "sagelet";
  const auto home = value_of(base, "HOME");
  return home.empty() ? fs::path("/tmp") / fmt::format("sagelet-{}", ::getuid())
                      : fs::path(home) / ".cache/sagelet";
}

Status write_if_new(const fs::path& file, std::string_view text) {
  if (const auto old = read_file(file); old && *old == text) return {};
  return write_file(file, text);
}

Result<AuthorityFiles> write_into(const fs::path& folder, const std::string& ours,
                                  const std::string& bundle) {
  TRY(make_folders(folder));
  const auto digest = to_hex(Digest::of(DigestKind::kSha256, bundle)).substr(0, kNameDigits);
  const AuthorityFiles files{(folder / "ca.pem").native(),
                             (folder / fmt::format("bundle-{}.pem", digest)).native()};
  TRY(write_if_new(files.authority, ours));
  TRY(write_if_new(files.bundle, bundle));
  return files;
}

}  // namespace

Result<AuthorityFiles> write_authorities(const Environment& base, const std::string& data,
                                         const std::string& ours) {
  const auto bundle = bundle_text(base, ours);
  const auto folder = fs::path(data) / "authority";
  std::error_code ignored;
  // Only the folder of the server that answered: another machine's path may exist here by chance.
  if (const auto held = read_file(folder / "ca.pem");
      held && *held == ours && fs::is_directory(folder, ignored))
    if (auto files = write_into(folder, ours, bundle)) return files;
  return write_into(cache_folder(base) / to_hex(Digest::of(DigestKind::kSha256, ours)).substr(0, kNameDigits),
                    ours, bundle);
}

}  // namespace sagelet::cli
