#include "server/storage/objects.hpp"

#include <algorithm>
#include <mutex>
#include <system_error>
#include <utility>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "server/storage/recent_buckets.hpp"
#include "server/storage/recent_objects.hpp"
#include "server/storage/version_rows.hpp"

namespace sagelet::storage {

namespace {

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kSyncers = 4;
/// An object that is replaced again and again between its record and its bytes: give up after so many tries.
constexpr int kTries = 16;

}  // namespace

/// One commit on its way; shared by the threads it passes.
struct ObjectStore::Pending {
  Staged staged;
  ObjectChange change;
  Touches touches = Touches::kBuckets;
  BodyId body = 0;
  bool in_file = false;
  bool tried_again = false;  ///< after a full disk
  std::uint64_t generation = 0;
  Freed freed;
  Ticket ticket;
};

ObjectStore::ObjectStore(const std::filesystem::path& folder, Ledger& ledger, Disk& disk)
    : ledger_(ledger),
      recent_(std::make_unique<RecentObjects>()),
      recent_buckets_(std::make_unique<RecentBuckets>()),
      unclean_(folder / "unclean"),
      bodies_(folder, ledger.durability(), disk),
      syncers_(std::make_unique<Workers>(kSyncers)) {}

Result<std::unique_ptr<ObjectStore>> ObjectStore::open(const std::filesystem::path& folder, Ledger& ledger,
                                                       Disk& disk) {
  std::error_code ignored;
  const bool fresh = !std::filesystem::exists(folder, ignored);
  TRY(make_folders(folder));
  if (fresh && ledger.durability() == Durability::kPower) TRY(sync_folder(folder.parent_path()));
  std::unique_ptr<ObjectStore> store(new ObjectStore(folder, ledger, disk));
  TRY(store->start());
  return store;
}

Status ObjectStore::start() {
  BodyId highest = 0;
  TRY(ledger_.read([&](Connection& db) -> Status {
    TRY(highest, highest_body(db));
    return {};
  }));
  bodies_.start_ids(highest);
  std::error_code ignored;
  if (std::filesystem::exists(unclean_, ignored)) {
    sweep_is_due_ = true;
    bodies_.in_background([this] {
      sweep_leftovers();
      if (auto swept = sweep(); !swept) log::warn("sweeping the objects: {}", swept.error().message());
    });
  }
  mark_in_use();
  return {};
}

/// On a full disk there is no mark, and no sweep after a crash either.
void ObjectStore::mark_in_use() {
  const bool sync = ledger_.durability() == Durability::kPower;
  auto marked = write_file(unclean_, "a server uses this folder, or did not end in order\n", sync);
  if (!marked) log::warn("{}", marked.error().message());
}

/// Commits on their way use this object until their tickets are done: the ledger's queue is first in, first
/// out.
ObjectStore::~ObjectStore() {
  stopping_ = true;
  syncers_.reset();
  (void)ledger_.commit_and_wait([](Connection&) -> Status { return {}; });
  bodies_.wait_for_removals();  // one that found the disk full may be tried once more from there
  (void)ledger_.commit_and_wait([](Connection&) -> Status { return {}; });
  bodies_.finish_removals();
  if (sweep_is_due_) return;  // it was cut short
  std::error_code ignored;
  std::filesystem::remove(unclean_, ignored);
}

// ---- writing ----

Ticket ObjectStore::commit(Staged staged, ObjectChange change, Touches touches) {
  auto pending = std::make_shared<Pending>();
  pending->in_file = !staged.in_memory();
  pending->body = staged.size() > 0 ? bodies_.next_id() : 0;
  pending->staged = std::move(staged);
  pending->change = std::move(change);
  pending->touches = touches;
  pending->generation = generation_.load();
  if (pending->in_file && ledger_.durability() == Durability::kPower) {
    syncers_->post([this, pending] { finish(pending); });
  } else {
    finish(pending);
  }
  return pending->ticket;
}

Ticket ObjectStore::commit(Staged staged, ObjectChange change) {
  return commit(std::move(staged), std::move(change), Touches::kBuckets);
}

/// The bytes first, then the record: a crash between the two leaves a file that the sweep removes.
void ObjectStore::finish(const std::shared_ptr<Pending>& pending) {
  if (pending->in_file) {
    if (auto kept = bodies_.keep(pending->staged, pending->body); !kept) {
      pending->ticket.complete(std::move(kept));
      return;
    }
  }
  record(pending);
}

/// A full disk may be full of what was deleted already: then once more when that is gone.
void ObjectStore::record(const std::shared_ptr<Pending>& pending) {
  recent_->changes().begin();
  if (pending->touches == Touches::kBuckets) recent_buckets_->changes().begin();
  auto committed = ledger_.commit([this, pending](Connection& db) -> Status {
    if (generation_.load() != pending->generation || pending->generation % 2 != 0)
      return Error(ErrorKind::kCancelled, "the server was reset meanwhile");
    pending->freed.clear();
    if (pending->body != 0)
      TRY(insert_body(db, pending->body, pending->in_file ? nullptr : &pending->staged.bytes()));
    return pending->change(db, pending->body, pending->freed);
  });
  committed.on_done([this, pending](Status status) {
    if (pending->touches == Touches::kBuckets) recent_buckets_->changes().end();
    recent_->changes().end();
    if (!status && status.error().is(ErrorKind::kNoSpace) && !std::exchange(pending->tried_again, true)) {
      bodies_.in_background([this, pending] { record(pending); });
      return;
    }
    if (status) {
      bodies_.discard(pending->freed);
    } else if (pending->in_file) {
      bodies_.discard(pending->body);
    }
    pending->change = nullptr;
    pending->ticket.complete(std::move(status));
  });
}

Result<Staged> ObjectStore::stage_range(const OpenObject& object, std::uint64_t offset, std::uint64_t length,
                                        const std::function<void(std::string_view)>& seen) {
  auto staged = bodies_.stage();
  std::string piece;
  for (const auto end = offset + length; offset < end; offset += piece.size()) {
    piece.resize(std::min<std::uint64_t>(kPiece, end - offset));
    TRY(read(object, offset, piece));
    if (seen) seen(piece);
    TRY(staged.append(piece));
  }
  return staged;
}

Result<Staged> ObjectStore::stage_again(const OpenObject& object,
                                        const std::function<void(std::string_view)>& seen) {
  if (object.file) return bodies_.stage_whole(object.file, object.row.size);
  return stage_range(object, 0, object.row.size, object.in_memory ? nullptr : seen);
}

// ---- reading ----

struct OpenObject::Pinned {
  Bodies& bodies;
  std::vector<BodyId> ids;
  std::vector<std::string> inline_parts;  ///< by position; empty for parts in files
  std::vector<std::shared_ptr<const UniqueFd>> files;
  std::mutex mutex;

  Pinned(Bodies& all, std::vector<BodyId> pinned) : bodies(all), ids(std::move(pinned)) { bodies.pin(ids); }
  ~Pinned() { bodies.unpin(ids); }

  Result<std::shared_ptr<const UniqueFd>> file_of(std::size_t position) {
    const std::lock_guard lock(mutex);
    if (!files[position]) {
      TRY(auto opened, bodies.open(ids[position]));
      files[position] = std::make_shared<const UniqueFd>(std::move(opened));
    }
    return files[position];
  }
  void close(std::size_t position) {
    const std::lock_guard lock(mutex);
    files[position].reset();
  }
};

Result<std::size_t> OpenObject::read_parts(std::uint64_t offset, std::span<char> buffer) const {
  std::uint64_t start = 0;
  for (std::size_t i = 0; i < parts.size(); start += parts[i++].size) {
    if (offset >= start + parts[i].size) continue;
    const auto within = offset - start;
    const auto length = std::min<std::uint64_t>(buffer.size(), parts[i].size - within);
    if (const auto& in_ledger = pinned_->inline_parts[i]; !in_ledger.empty()) {
      std::copy_n(in_ledger.data() + within, length, buffer.data());
      return length;
    }
    TRY(const auto source, pinned_->file_of(i));
    TRY(pread_all(source->get(), buffer.first(length), within));
    if (within + length == parts[i].size) pinned_->close(i);
    return length;
  }
  return 0;
}

std::shared_ptr<const UniqueFd> OpenObject::single_part(std::uint64_t offset, std::uint64_t length,
                                                        std::uint64_t& within) const {
  std::uint64_t start = 0;
  for (std::size_t i = 0; i < parts.size(); start += parts[i++].size) {
    if (offset >= start + parts[i].size) continue;
    if (offset + length > start + parts[i].size || !pinned_->inline_parts[i].empty()) return nullptr;
    within = offset - start;
    auto source = pinned_->file_of(i);
    return source ? *source : nullptr;
  }
  return nullptr;
}

Status ObjectStore::read(const OpenObject& object, std::uint64_t offset, std::span<char> buffer) {
  if (object.in_memory) {
    std::copy_n(object.bytes.data() + offset, buffer.size(), buffer.data());
    return {};
  }
  if (object.file) return pread_all(object.file->get(), buffer, offset);
  while (!buffer.empty()) {
    TRY(const auto got, object.read_parts(offset, buffer));
    if (got == 0) return Error(ErrorKind::kCorrupt, "an object in parts is shorter than its record says");
    buffer = buffer.subspan(got);
    offset += got;
  }
  return {};
}

Result<std::optional<Bucket>> ObjectStore::find_bucket(std::string_view name) {
  if (auto found = recent_buckets_->find(name)) return found;
  const auto version = recent_buckets_->changes().version();
  std::optional<Bucket> bucket;
  TRY(ledger_.read([&](Connection& db) -> Status {
    TRY(bucket, storage::find_bucket(db, name));
    return {};
  }));
  if (bucket && version) recent_buckets_->keep(*version, *bucket);
  return bucket;
}

Result<ObjectStore::Found> ObjectStore::find(std::string_view bucket, std::string_view key, Want want) {
  if (auto found = recent_->find(bucket, key, want)) return std::move(*found);
  const auto version = recent_->version();
  for (int tries = 0; tries < kTries; ++tries) {
    auto found = find_once(bucket, key, std::nullopt, want);
    if (found && version) recent_->keep(*version, *found, want);
    if (found || !found.error().is(ErrorKind::kCancelled)) return found;
  }
  return Error(ErrorKind::kCorrupt, "the record of an object is there, its bytes are not");
}

Result<ObjectStore::Found> ObjectStore::find_version(std::string_view bucket, std::string_view key,
                                                     std::string_view version, Want want) {
  for (int tries = 0; tries < kTries; ++tries) {
    auto found = find_once(bucket, key, version, want);
    if (found || !found.error().is(ErrorKind::kCancelled)) return found;
  }
  return Error(ErrorKind::kCorrupt, "the record of a version is there, its bytes are not");
}

namespace {

/// The row that is asked for; a marker (asked for, or hiding the key) is noted in `found`.
Result<std::optional<ObjectRow>> row_or_marker(Connection& db, const Bucket& bucket, std::string_view key,
                                               std::optional<std::string_view> version, InlineBody* body,
                                               ObjectStore::Found& found) {
  std::optional<ObjectRow> row;
  if (version) {
    TRY(row, storage::find_version(db, bucket.id, key, *version, body));
  } else {
    TRY(row, find_object(db, bucket.id, key, body));
    if (!row && bucket.versioning != Versioning::kNever) {
      TRY(row, hiding_marker(db, bucket.id, key));
    }
  }
  if (!row || !row->marker) return row;
  found.marker = true;
  found.marker_version = row->version;
  return std::nullopt;
}

}  // namespace

/// kCancelled: the object was replaced between its record and its bytes; look again.
Result<ObjectStore::Found> ObjectStore::find_once(std::string_view bucket, std::string_view key,
                                                  Version version, Want want) {
  Found found;
  InlineBody body;
  TRY(ledger_.read([&](Connection& db) -> Status {
    TRY(found.bucket, storage::find_bucket(db, bucket));
    if (!found.bucket) return {};
    TRY(auto row,
        row_or_marker(db, *found.bucket, key, version, want == Want::kBytes ? &body : nullptr, found));
    if (!row) return {};
    found.object.emplace();
    found.object->row = std::move(*row);
    return {};
  }));
  if (!found.object) return found;
  found.object->parts = unpack_parts(found.object->row.parts);
  if (want == Want::kRecord) return found;
  TRY(const bool opened, open_bytes(*found.bucket, *found.object, std::move(body)));
  if (!opened) return Error(ErrorKind::kCancelled, "replaced meanwhile");
  return found;
}

/// False when the object was replaced meanwhile.
Result<bool> ObjectStore::open_bytes(const Bucket& bucket, OpenObject& object, InlineBody body) {
  if (!object.parts.empty()) return pin_parts(bucket, object);
  if (body.in_ledger || object.row.body == 0) {
    object.in_memory = true;
    object.bytes = std::move(body.bytes);
    return true;
  }
  auto file = bodies_.open(object.row.body);
  if (!file && file.error().is(ErrorKind::kNotFound)) return false;
  if (!file) return std::move(file).error();
  object.file = std::make_shared<const UniqueFd>(std::move(*file));
  return true;
}

/// Pins first and then looks whether the record is still the same: a later change sees the pins before it
/// removes files.
Result<bool> ObjectStore::pin_parts(const Bucket& bucket, OpenObject& object) {
  std::vector<BodyId> ids;
  for (const auto& part : object.parts) ids.push_back(part.body);
  auto pinned = std::make_shared<OpenObject::Pinned>(bodies_, ids);
  pinned->files.resize(ids.size());
  pinned->inline_parts.resize(ids.size());
  bool same = false;
  TRY(ledger_.read([&](Connection& db) -> Status {
    TRY(const auto again, storage::find_version(db, bucket.id, object.row.key, object.row.version));
    same = again && again->parts == object.row.parts;
    for (std::size_t i = 0; same && i < ids.size(); ++i) {
      if (object.parts[i].size == 0 || object.parts[i].size > kInlineLimit) continue;
      bool in_ledger = false;
      TRY(pinned->inline_parts[i], inline_bytes(db, ids[i], in_ledger));
    }
    return {};
  }));
  object.pinned_ = std::move(pinned);
  return same;
}

// ---- the whole store ----

Status ObjectStore::clear() {
  ++generation_;
  recent_->changes().begin();
  recent_buckets_->changes().begin();
  auto done = bodies_.clear();
  if (done) done = ledger_.clear();
  recent_buckets_->changes().end();
  recent_->changes().end();
  mark_in_use();
  ++generation_;
  return done;
}

}  // namespace sagelet::storage
