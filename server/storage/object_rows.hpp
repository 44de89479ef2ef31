#pragma once
// The ledger's rows of buckets and objects. Plain functions on a Connection: a handler composes them in one
// read or one change.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "server/storage/bodies.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::storage {

/// Whether a bucket keeps what is overwritten and deleted.
enum class Versioning : std::uint8_t { kNever = 0, kEnabled = 1, kSuspended = 2 };

struct Bucket {
  std::int64_t id = 0;
  std::string name;
  std::string account;
  std::string region;
  WallTime created;
  Versioning versioning = Versioning::kNever;
  std::uint32_t settings = 0;  ///< which kinds of settings it has, a bit each: ask has()

  /// False when it surely has no setting of that kind, so that nobody need look for one.
  bool has(std::string_view kind) const;
};

Result<std::optional<Bucket>> find_bucket(Connection& db, std::string_view name);
/// Sets the id. A name that is taken is kAlreadyExists.
Status insert_bucket(Connection& db, Bucket& bucket);
/// Its settings go too; objects and uploads must be gone already.
Status delete_bucket(Connection& db, std::int64_t bucket);
Status set_versioning(Connection& db, std::int64_t bucket, Versioning versioning);
/// Ordered by name.
Result<std::vector<Bucket>> buckets_of(Connection& db, std::string_view account);

/// A bucket's small documents by kind: "tags", ... Empty when it has none of the kind. They change by
/// ObjectStore::commit, as the bucket's row does: it says which kinds there are.
Result<std::optional<std::string>> find_setting(Connection& db, std::int64_t bucket, std::string_view kind);
Status put_setting(Connection& db, std::int64_t bucket, std::string_view kind, std::string_view value);
Status delete_setting(Connection& db, std::int64_t bucket, std::string_view kind);
struct BucketSetting {
  Bucket bucket;
  std::string value;
};
/// All buckets that have a setting of the kind, of all accounts.
Result<std::vector<BucketSetting>> settings_of_kind(Connection& db, std::string_view kind);

/// One part of an object that was uploaded in parts.
struct PartRef {
  std::uint32_t number = 0;
  std::uint64_t size = 0;
  BodyId body = 0;
  std::string checksum;  ///< base64, or empty
};
std::string pack_parts(const std::vector<PartRef>& parts);
std::vector<PartRef> unpack_parts(std::string_view bytes);

struct ObjectRow {
  std::string key;
  std::uint64_t size = 0;
  WallTime modified;
  std::string etag;  ///< without quotes
  std::string storage_class;
  std::string checksum;    ///< "<algorithm> <type> <base64>", or empty
  BodyId body = 0;         ///< 0: empty, or in parts
  std::string properties;  ///< packed pairs
  std::string tags;        ///< packed pairs, empty when there are none
  std::string parts;       ///< packed parts, empty unless it was uploaded in parts
  std::string version;     ///< empty: the null version
  std::string extras;      ///< packed pairs, empty when there are none: locks, grants
  std::int64_t seq = 0;    ///< order among the key's versions (version_rows.hpp)
  bool marker = false;     ///< a delete marker: no bytes
};

/// Files whose bodies left the ledger in a change: to be removed once it is committed.
using Freed = std::vector<BodyId>;

/// `inline_bytes` (may be null) receives the body when it lies in the ledger; `in_ledger` says so.
struct InlineBody {
  bool in_ledger = false;
  std::string bytes;
};
Result<std::optional<ObjectRow>> find_object(Connection& db, std::int64_t bucket, std::string_view key,
                                             InlineBody* body = nullptr);
/// Replaces an object of that key; the old one's bytes are freed. For buckets that never were versioned.
Status put_object(Connection& db, std::int64_t bucket, const ObjectRow& row, Freed& freed);
/// False when there was none.
Result<bool> delete_object(Connection& db, std::int64_t bucket, std::string_view key, Freed& freed);
/// False when there is none.
Result<bool> set_object_tags(Connection& db, std::int64_t bucket, std::string_view key,
                             std::string_view tags);
/// Older versions and delete markers count.
Result<bool> bucket_holds_objects(Connection& db, std::int64_t bucket);

/// `bytes` null: they lie in a file.
Status insert_body(Connection& db, BodyId id, const std::string* bytes);
Status free_body(Connection& db, BodyId id, Freed& freed);
/// An object's one body or its parts'.
Status free_bodies(Connection& db, BodyId body, std::string_view parts, Freed& freed);
/// Runs a DELETE ... RETURNING body, parts and frees what it names. False when no row went.
Result<bool> free_deleted(Connection& db, Statement query, Freed& freed);

/// For version_rows: a row of size, modified, etag, storage_class, checksum, body, properties, tags, parts,
/// version, extras; and the insertion alone.
ObjectRow object_from(const Statement& row, std::string_view key);
Status insert_object(Connection& db, std::int64_t bucket, const ObjectRow& row);
Result<bool> body_exists(Connection& db, BodyId id);
Result<std::string> inline_bytes(Connection& db, BodyId id, bool& in_ledger);
Result<BodyId> highest_body(Connection& db);

}  // namespace sagelet::storage
