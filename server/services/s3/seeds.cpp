#include "server/services/s3/seeds.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/digest.hpp"
#include "fmt/format.h"

namespace sagelet::s3 {

namespace {

constexpr auto kFresh = std::chrono::seconds(2);
/// Larger files get an ETag of a multipart upload's form, made of size and time: nobody reads gigabytes for a
/// list.
constexpr std::uint64_t kHashedWhole = 8 << 20;

WallTime modified_of(const struct stat& status) {
  return from_millis(status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1'000'000);
}

Result<std::string> etag_of(const fs::path& path, std::uint64_t size, WallTime modified) {
  if (size > kHashedWhole)
    return to_hex(Digest::of(DigestKind::kMd5, fmt::format("{}:{}", size, to_millis(modified)))) + "-1";
  TRY(const auto bytes, read_file(path));
  return to_hex(Digest::of(DigestKind::kMd5, bytes));
}

}  // namespace

void SeedFolder::walk_if_old() {
  const auto now = std::chrono::steady_clock::now();
  if (walked_ != SteadyTime{} && now - walked_ < kFresh) return;
  std::map<std::string, File, std::less<>> found;
  std::error_code ignored;
  fs::recursive_directory_iterator entries(folder_, fs::directory_options::skip_permission_denied, ignored);
  for (; entries != fs::recursive_directory_iterator(); entries.increment(ignored)) {
    struct stat status {};
    if (::lstat(entries->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    const auto key = entries->path().lexically_relative(folder_).generic_string();
    File file{entries->path(), static_cast<std::uint64_t>(status.st_size), modified_of(status), {}};
    if (const auto old = files_.find(key);
        old != files_.end() && old->second.size == file.size && old->second.modified == file.modified)
      file.etag = old->second.etag;
    found.emplace(key, std::move(file));
  }
  files_ = std::move(found);
  walked_ = now;
}

Result<storage::ObjectRow> SeedFolder::row_of(const std::string& key, File& file) {
  if (file.etag.empty()) {
    TRY(file.etag, etag_of(file.path, file.size, file.modified));
  }
  storage::ObjectRow row;
  row.key = key;
  row.size = file.size;
  row.modified = file.modified;
  row.etag = file.etag;
  row.storage_class = "STANDARD";
  return row;
}

Result<std::optional<storage::OpenObject>> SeedFolder::find(const std::string& key,
                                                            storage::ObjectStore::Want want) {
  const std::lock_guard lock(mutex_);
  walk_if_old();
  const auto found = files_.find(key);
  if (found == files_.end()) return std::nullopt;
  storage::OpenObject object;
  TRY(object.row, row_of(key, found->second));
  if (want == storage::ObjectStore::Want::kRecord) return object;
  if (object.row.size == 0) {
    object.in_memory = true;
    return object;
  }
  TRY(auto file, open_file(found->second.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  object.file = std::make_shared<const UniqueFd>(std::move(file));
  return object;
}

Result<storage::ListPage> SeedFolder::list(const storage::ListQuery& query) {
  const std::lock_guard lock(mutex_);
  walk_if_old();
  storage::ListPage page;
  std::string_view group_before;
  for (auto at = files_.lower_bound(query.prefix); at != files_.end() && at->first.starts_with(query.prefix);
       ++at) {
    const auto group = storage::group_of(at->first, query.prefix, query.delimiter);
    if (at->first <= query.after || (!group.empty() && (group == query.after || group == group_before)))
      continue;
    page.truncated = page.objects.size() + page.common_prefixes.size() >= query.limit;
    if (page.truncated) break;
    page.last = group.empty() ? at->first : std::string(group);
    if (group.empty()) {
      TRY(const auto row, row_of(at->first, at->second));
      page.objects.push_back({row.key, row.size, row.modified, row.etag, row.storage_class, {}});
    } else {
      page.common_prefixes.emplace_back(group);
      group_before = group;
    }
  }
  if (query.limit == 0) page.truncated = false;
  return page;
}

Result<bool> SeedFolder::any_under(std::string_view prefix) {
  const std::lock_guard lock(mutex_);
  walk_if_old();
  const auto at = files_.lower_bound(prefix);
  return at != files_.end() && at->first.starts_with(prefix);
}

}  // namespace sagelet::s3
