#pragma once
// Objects: bytes and their records, changed together. A reader sees the old object or the new, never half.
// On disk: docs/formats/objects.md.
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ticket.hpp"
#include "server/storage/bodies.hpp"
#include "server/storage/ledger.hpp"
#include "server/storage/object_rows.hpp"

namespace sagelet::storage {

/// An object opened for reading: its bytes stay what they were, whatever happens to the key.
class OpenObject {
 public:
  ObjectRow row;
  std::string bytes;  ///< the whole body, when `in_memory`
  bool in_memory = false;
  std::shared_ptr<const UniqueFd> file;  ///< the whole body, when it is one file
  std::vector<PartRef> parts;            ///< when it was uploaded in parts

  /// The parts' bytes, from any offset. Only for objects in parts; may be called from any one thread at a
  /// time.
  Result<std::size_t> read_parts(std::uint64_t offset, std::span<char> buffer) const;
  /// The part that holds `length` bytes at `offset` alone, as its file; null when none does (or it lies in
  /// the ledger).
  std::shared_ptr<const UniqueFd> single_part(std::uint64_t offset, std::uint64_t length,
                                              std::uint64_t& within) const;

 private:
  friend class ObjectStore;
  struct Pinned;
  std::shared_ptr<Pinned> pinned_;  ///< keeps the parts' files
};

class RecentBuckets;
class RecentObjects;

/// Runs inside the ledger's transaction with the id that the staged bytes got (0: none). `freed` collects
/// files that go once the change is committed.
using ObjectChange = std::function<Status(Connection&, BodyId, Freed&)>;

/// Thread-safe. Rows of objects change by its commit() alone (a new bucket's may come otherwise): reads
/// remember small objects until the next one, and buckets until the next that touches any.
class ObjectStore {
 public:
  /// Makes the folder. Files that a crash left behind are swept in the background, only after an unclean end.
  static Result<std::unique_ptr<ObjectStore>> open(const std::filesystem::path& folder, Ledger& ledger,
                                                   Disk& disk = real_disk());
  ~ObjectStore();

  Staged stage() { return bodies_.stage(); }
  /// The bytes of `object` again, without copying when they are one file or in memory. Objects in parts are
  /// read through and `seen` gets every piece; otherwise it is not called.
  Result<Staged> stage_again(const OpenObject& object, const std::function<void(std::string_view)>& seen);
  /// A stretch of `object`, copied; `seen` gets every piece.
  Result<Staged> stage_range(const OpenObject& object, std::uint64_t offset, std::uint64_t length,
                             const std::function<void(std::string_view)>& seen);

  /// Which rows a change may write: of objects (and uploads) alone, or of buckets and their settings too.
  enum class Touches { kObjects, kBuckets };
  /// Keeps the bytes and runs the change, both or neither. In kPower large bytes are synced on a thread of
  /// the store.
  Ticket commit(Staged staged, ObjectChange change, Touches touches);
  Ticket commit(Staged staged, ObjectChange change);  ///< kBuckets
  /// A change without new bytes.
  Ticket commit(ObjectChange change) { return commit(Staged(), std::move(change)); }

  /// `marker`: the version asked for is a delete marker, or (when the newest was asked for) one hides the
  /// key; then `marker_version` says which.
  struct Found {
    std::optional<Bucket> bucket;
    std::optional<OpenObject> object;
    bool marker = false;
    std::string marker_version;
  };
  /// As storage::find_bucket would give it in a read of its own.
  Result<std::optional<Bucket>> find_bucket(std::string_view name);
  enum class Want { kRecord, kBytes };
  Result<Found> find(std::string_view bucket, std::string_view key, Want want);
  /// One version, "" for the null version.
  Result<Found> find_version(std::string_view bucket, std::string_view key, std::string_view version,
                             Want want);
  /// Any piece of an object, whatever way its bytes lie.
  Status read(const OpenObject& object, std::uint64_t offset, std::span<char> buffer);

  Ledger& ledger() { return ledger_; }
  /// Drops the ledger's rows (Ledger::clear) and all bytes, in milliseconds.
  Status clear();
  /// Removes files that no record names. Runs by itself when needed; tests call it.
  Status sweep();

  // objects_whole.cpp: for scrubs and snapshots
  enum class BodyState { kThere, kNoRecord, kNoFile };
  /// A body's bytes as they lie, whatever the records of objects say; `seen` gets every piece.
  Result<BodyState> read_body(BodyId id, const std::function<void(std::string_view)>& seen);
  /// Files that no record names and that nobody is about to name or to remove.
  Result<std::vector<BodyId>> strays();
  std::filesystem::path path_of(BodyId id) const { return bodies_.path_of(id); }
  /// Ledger and bodies as they are at one moment; changes go on meanwhile. Files get a second link in
  /// `folder`, which must lie on the store's file system.
  Status copy_to(const std::filesystem::path& ledger_file, const std::filesystem::path& folder);

 private:
  ObjectStore(const std::filesystem::path& folder, Ledger& ledger, Disk& disk);
  struct Pending;
  void finish(const std::shared_ptr<Pending>& pending);
  void record(const std::shared_ptr<Pending>& pending);
  using Version = std::optional<std::string_view>;  ///< nullopt: the newest
  Result<Found> find_once(std::string_view bucket, std::string_view key, Version version, Want want);
  Result<bool> open_bytes(const Bucket& bucket, OpenObject& object, InlineBody body);
  Result<bool> pin_parts(const Bucket& bucket, OpenObject& object);
  Status start();
  void mark_in_use();
  void sweep_leftovers();
  void settle();
  Status link_files(Ledger& of, const std::filesystem::path& folder);

  Ledger& ledger_;
  std::atomic<std::uint64_t> generation_{0};  ///< odd while clear() runs
  std::atomic<bool> stopping_{false};
  std::atomic<bool> sweep_is_due_{false};
  std::unique_ptr<RecentObjects> recent_;
  std::unique_ptr<RecentBuckets> recent_buckets_;
  std::filesystem::path unclean_;  ///< marker: there while a server uses the folder
  Bodies bodies_;
  std::unique_ptr<Workers> syncers_;  ///< kPower: sync large bodies before their record
};

}  // namespace sagelet::storage
