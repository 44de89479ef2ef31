#include "server/services/s3/seeds.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/digest.hpp"
#include "fmt/format.h"

namespace sagelet::s3 {

namespace {

/// Larger files get an ETag of a multipart upload's form, made of size and time: nobody reads gigabytes for a
/// list.
constexpr std::uint64_t kHashedWhole = 8 << 20;

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

Result<std::string> etag_of(const fs::path& path, std::uint64_t size, std::int64_t modified) {
  if (size > kHashedWhole)
    return to_hex(Digest::of(DigestKind::kMd5, fmt::format("{}:{}", size, modified))) + "-1";
  TRY(const auto bytes, read_file(path));
  return to_hex(Digest::of(DigestKind::kMd5, bytes));
}

/// The first that `page` may hold: not before its prefix, nor what it comes after.
std::string first_key(const storage::ListQuery& query) {
  const auto group = storage::group_of(query.after, query.prefix, query.delimiter);
  const bool behind_group = !group.empty() && group == query.after;
  return std::max(query.prefix, behind_group ? storage::after_prefix(group) : query.after);
}

}  // namespace

void SeedFolder::look() {
  tree_.look([this](const std::string& name, bool there) {
    if (there)
      files_.try_emplace(name);
    else
      files_.erase(name);
  });
}

bool SeedFolder::is_there(Files::value_type& item) const {
  auto& [key, file] = item;
  struct stat about {};
  if (::lstat((folder_ / key).c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return false;
  const File now{static_cast<std::uint64_t>(about.st_size),
                 about.st_ino,
                 nanoseconds(about.st_mtim),
                 nanoseconds(about.st_ctim),
                 {}};
  if (now.size != file.size || now.inode != file.inode || now.modified != file.modified ||
      now.changed != file.changed)
    file = now;
  return true;
}

Result<storage::ObjectRow> SeedFolder::row_of(Files::value_type& item) const {
  auto& [key, file] = item;
  if (file.etag.empty()) {
    TRY(file.etag, etag_of(folder_ / key, file.size, file.modified / 1'000'000));
  }
  storage::ObjectRow row;
  row.key = key;
  row.size = file.size;
  row.modified = from_millis(file.modified / 1'000'000);
  row.etag = file.etag;
  row.storage_class = "STANDARD";
  return row;
}

Result<std::optional<storage::OpenObject>> SeedFolder::find(const std::string& key,
                                                            storage::ObjectStore::Want want) {
  const std::lock_guard lock(mutex_);
  look();
  const auto found = files_.find(key);
  if (found == files_.end() || !is_there(*found)) return std::nullopt;
  storage::OpenObject object;
  TRY(object.row, row_of(*found));
  if (want == storage::ObjectStore::Want::kRecord) return object;
  if (object.row.size == 0) {
    object.in_memory = true;
    return object;
  }
  TRY(auto file, open_file(folder_ / key, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  object.file = std::make_shared<const UniqueFd>(std::move(file));
  return object;
}

Result<storage::ListPage> SeedFolder::list(const storage::ListQuery& query) {
  const std::lock_guard lock(mutex_);
  look();
  storage::ListPage page;
  for (auto at = files_.lower_bound(first_key(query));
       query.limit > 0 && at != files_.end() && at->first.starts_with(query.prefix);) {
    const auto group = storage::group_of(at->first, query.prefix, query.delimiter);
    if (at->first == query.after || !is_there(*at)) {
      ++at;
      continue;
    }
    page.truncated = page.objects.size() + page.common_prefixes.size() >= query.limit;
    if (page.truncated) break;
    page.last = group.empty() ? at->first : std::string(group);
    if (group.empty()) {
      TRY(const auto row, row_of(*at));
      page.objects.push_back({row.key, row.size, row.modified, row.etag, row.storage_class, {}});
      ++at;
    } else {
      page.common_prefixes.emplace_back(group);
      const auto behind = storage::after_prefix(group);
      at = behind.empty() ? files_.end() : files_.lower_bound(behind);
    }
  }
  return page;
}

Result<bool> SeedFolder::any_under(std::string_view prefix) {
  const std::lock_guard lock(mutex_);
  look();
  const auto at = files_.lower_bound(prefix);
  return at != files_.end() && at->first.starts_with(prefix);
}

}  // namespace sagelet::s3
