#include "server/storage/version_listing.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "server/storage/version_rows.hpp"

namespace sagelet::storage {

namespace {

constexpr auto kNewest = std::numeric_limits<std::int64_t>::max();

/// Where a page goes on: versions of `key` with numbers below `below`, then all later keys.
struct Position {
  std::string key;
  std::int64_t below = kNewest;
};

/// One of the two tables, read in order; a row is at hand while `more`.
class Side {
 public:
  Side(Statement rows, bool newest) : rows_(std::move(rows)), newest_(newest) {}

  Status next() {
    TRY(more, rows_.step());
    return {};
  }
  std::string_view key() const { return rows_.blob(0); }
  std::int64_t seq() const { return rows_.integer(8); }
  ListedVersion row() const {
    ListedVersion version;
    version.object.key = rows_.blob(0);
    version.object.size = static_cast<std::uint64_t>(rows_.integer(1));
    version.object.modified = from_millis(rows_.integer(2));
    version.object.etag = rows_.text(3);
    version.object.storage_class = rows_.text(4);
    version.object.checksum = rows_.text(5);
    version.version = rows_.text(6);
    version.marker = rows_.integer(7) != 0;
    version.latest = newest_;
    return version;
  }
  bool more = false;

 private:
  Statement rows_;
  bool newest_;
};

Side newest_from(Connection& db, std::int64_t bucket, const Position& from) {
  auto rows = db.prepare(
      "SELECT key, size, modified, etag, storage_class, checksum, coalesce(version, ''), 0, seq FROM objects "
      "WHERE bucket = ? AND key >= ? ORDER BY key");
  rows.bind(1, bucket).bind_blob(2, from.key);
  return {std::move(rows), true};
}

Side older_from(Connection& db, std::int64_t bucket, const Position& from) {
  auto rows = db.prepare(
      "SELECT key, size, modified, etag, storage_class, checksum, version, marker, seq FROM versions "
      "WHERE bucket = ?1 AND key >= ?2 AND (key > ?2 OR seq < ?3) ORDER BY key, seq DESC");
  rows.bind(1, bucket).bind_blob(2, from.key).bind(3, from.below);
  return {std::move(rows), false};
}

Result<bool> is_newest(Connection& db, std::int64_t bucket, std::string_view key, std::int64_t seq) {
  auto query = db.prepare(
      "SELECT NOT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1 AND key = ?2) AND "
      "?3 = (SELECT max(seq) FROM versions WHERE bucket = ?1 AND key = ?2)");
  TRY(const bool row, query.bind(1, bucket).bind_blob(2, key).bind(3, seq).step());
  return row && query.integer(0) != 0;
}

/// The first position that may be on the page; nullopt when none can be.
Result<std::optional<Position>> first_position(Connection& db, std::int64_t bucket,
                                               const VersionQuery& query) {
  if (query.after_key < query.prefix) return Position{query.prefix, kNewest};
  if (query.after_version) {
    TRY(const auto row, find_version(db, bucket, query.after_key, *query.after_version));
    return Position{query.after_key, row ? row->seq : kNewest};
  }
  const auto group = group_of(query.after_key, query.prefix, query.delimiter);
  if (group.empty() || group != query.after_key) return Position{query.after_key + '\0', kNewest};
  auto behind = after_prefix(group);
  if (behind.empty()) return std::nullopt;
  return Position{std::move(behind), kNewest};
}

class PageFiller {
 public:
  PageFiller(Connection& db, std::int64_t bucket, const VersionQuery& query)
      : db_(db), bucket_(bucket), query_(query) {}

  Result<VersionPage> fill() {
    TRY(auto from, first_position(db_, bucket_, query_));
    while (from && query_.limit > 0) {
      TRY(from, run_from(*from));
    }
    return std::move(page_);
  }

 private:
  /// Merges the two tables until the page ends (nullopt) or a group begins (the position behind it).
  Result<std::optional<Position>> run_from(const Position& from) {
    auto newest = newest_from(db_, bucket_, from);
    auto older = older_from(db_, bucket_, from);
    TRY(newest.next());
    TRY(older.next());
    if (from.below != kNewest && newest.more && newest.key() == from.key && newest.seq() >= from.below)
      TRY(newest.next());
    while (newest.more || older.more) {
      const bool take_newest = newest.more && (!older.more || newest.key() <= older.key());
      auto& side = take_newest ? newest : older;
      if (!side.key().starts_with(query_.prefix) || full()) return std::nullopt;
      if (const auto group = group_of(side.key(), query_.prefix, query_.delimiter); !group.empty())
        return take_group(group);
      TRY(take(side, take_newest));
      TRY(side.next());
    }
    return std::nullopt;
  }

  Status take(const Side& side, bool newest) {
    auto row = side.row();
    const bool first_of_key = page_.last_key != row.object.key || page_.versions.empty();
    if (!newest && first_of_key) {
      TRY(row.latest, is_newest(db_, bucket_, row.object.key, side.seq()));
    }
    page_.last_key = row.object.key;
    page_.last_version = row.version;
    page_.ends_with_prefix = false;
    page_.versions.push_back(std::move(row));
    return {};
  }

  std::optional<Position> take_group(std::string_view group) {
    page_.common_prefixes.emplace_back(group);
    page_.last_key = group;
    page_.ends_with_prefix = true;
    auto next = after_prefix(group);
    if (next.empty()) return std::nullopt;
    return Position{std::move(next), kNewest};
  }

  /// Called with another entry at hand: so a full page is a truncated one.
  bool full() {
    page_.truncated = page_.versions.size() + page_.common_prefixes.size() >= query_.limit;
    return page_.truncated;
  }

  Connection& db_;
  const std::int64_t bucket_;
  const VersionQuery& query_;
  VersionPage page_;
};

}  // namespace

Result<VersionPage> list_versions(Connection& db, std::int64_t bucket, const VersionQuery& query) {
  return PageFiller(db, bucket, query).fill();
}

}  // namespace sagelet::storage
