#include "server/storage/listing.hpp"

#include <algorithm>
#include <optional>

namespace sagelet::storage {

namespace {

constexpr std::size_t kUsualPage = 1000;

constexpr const char* kFrom =
    "SELECT key, size, modified, etag, storage_class, checksum FROM objects "
    "WHERE bucket = ? AND key >= ? ORDER BY key";

ListedObject object_from(const Statement& row) {
  ListedObject object;
  object.key = row.blob(0);
  object.size = static_cast<std::uint64_t>(row.integer(1));
  object.modified = from_millis(row.integer(2));
  object.etag = row.text(3);
  object.storage_class = row.text(4);
  object.checksum = row.text(5);
  return object;
}

/// The first key that may be on the page; nullopt when none can be.
std::optional<std::string> first_key(const ListQuery& query) {
  if (query.after.empty()) return query.prefix;
  const auto group = group_of(query.after, query.prefix, query.delimiter);
  if (group.empty() || group != query.after) return std::max(query.after + '\0', query.prefix);
  // A page that ended with a common prefix goes on behind all keys under it.
  auto behind = after_prefix(group);
  if (behind.empty()) return std::nullopt;
  return behind;
}

/// Fills a page by stepping through rows and jumping over each group at once.
class PageFiller {
 public:
  PageFiller(Connection& db, std::int64_t bucket, const ListQuery& query)
      : db_(db), bucket_(bucket), query_(query) {}

  Result<ListPage> fill() {
    const auto first = first_key(query_);
    finished_ = !first || query_.limit == 0;
    std::string from = first.value_or("");
    while (!finished_) {
      TRY(from, run_from(from));
    }
    return std::move(page_);
  }

 private:
  /// Steps until the page ends or a group begins; gives the key to go on from.
  Result<std::string> run_from(std::string_view from) {
    auto rows = db_.prepare(kFrom);
    rows.bind(1, bucket_).bind_blob(2, from);
    while (true) {
      TRY(const bool more, rows.step());
      if (!more || !rows.blob(0).starts_with(query_.prefix)) break;
      const auto group = group_of(rows.blob(0), query_.prefix, query_.delimiter);
      if (full()) break;
      if (!group.empty()) return take_group(group);
      if (page_.objects.empty()) page_.objects.reserve(std::min(query_.limit, kUsualPage));
      page_.objects.push_back(object_from(rows));
      page_.last = page_.objects.back().key;
    }
    finished_ = true;
    return std::string();
  }

  std::string take_group(std::string_view group) {
    page_.common_prefixes.emplace_back(group);
    page_.last = group;
    auto next = after_prefix(group);
    finished_ = next.empty();
    return next;
  }

  /// Called with another entry at hand: so a full page is a truncated one.
  bool full() {
    page_.truncated = page_.objects.size() + page_.common_prefixes.size() >= query_.limit;
    return page_.truncated;
  }

  Connection& db_;
  const std::int64_t bucket_;
  const ListQuery& query_;
  ListPage page_;
  bool finished_ = false;
};

}  // namespace

std::string after_prefix(std::string_view prefix) {
  std::string next(prefix);
  while (!next.empty() && static_cast<unsigned char>(next.back()) == 0xff) next.pop_back();
  if (!next.empty()) next.back() = static_cast<char>(static_cast<unsigned char>(next.back()) + 1);
  return next;
}

std::string_view group_of(std::string_view key, std::string_view prefix, std::string_view delimiter) {
  if (delimiter.empty() || !key.starts_with(prefix)) return {};
  const auto at = key.find(delimiter, prefix.size());
  if (at == std::string_view::npos) return {};
  return key.substr(0, at + delimiter.size());
}

Result<ListPage> list_objects(Connection& db, std::int64_t bucket, const ListQuery& query) {
  return PageFiller(db, bucket, query).fill();
}

Result<bool> any_object_under(Connection& db, std::int64_t bucket, std::string_view prefix) {
  auto query = db.prepare("SELECT key FROM objects WHERE bucket = ? AND key >= ? ORDER BY key LIMIT 1");
  TRY(const bool found, query.bind(1, bucket).bind_blob(2, prefix).step());
  return found && query.blob(0).starts_with(prefix);
}

}  // namespace sagelet::storage
