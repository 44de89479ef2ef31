// The store as a whole: what no record names, what is where it should be, a copy of all.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "server/storage/inventory.hpp"
#include "server/storage/ledger_copy.hpp"
#include "server/storage/objects.hpp"

namespace sagelet::storage {

namespace {

constexpr std::uint64_t kPiece = 256 * 1024;
/// A file of this run without a record may still get it, when it is younger.
constexpr std::time_t kYoung = 60;

/// Ids of files in one of the 256 folders; other names are not ours to touch.
std::vector<BodyId> ids_in(const std::filesystem::path& folder) {
  std::vector<BodyId> ids;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const auto name = entry.path().filename().native();
    char* end = nullptr;
    const auto id = std::strtoll(name.c_str(), &end, 16);
    if (name.size() == 16 && *end == '\0' && id > 0) ids.push_back(id);
  }
  return ids;
}

/// Of `ids`, those that no record names.
Result<std::vector<BodyId>> without_record(Ledger& ledger, const std::vector<BodyId>& ids) {
  std::vector<BodyId> out;
  if (ids.empty()) return out;
  TRY(ledger.read([&](Connection& db) -> Status {
    for (const auto id : ids) {
      TRY(const bool known, body_exists(db, id));
      if (!known) out.push_back(id);
    }
    return {};
  }));
  return out;
}

/// Reads a file to its end.
Status read_through(int fd, const std::function<void(std::string_view)>& seen) {
  std::string piece(kPiece, '\0');
  while (true) {
    const auto got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::last("reading an object");
    if (got == 0) return {};
    seen(std::string_view(piece).substr(0, static_cast<std::size_t>(got)));
  }
}

}  // namespace

/// What an interrupted clear() or a file system without unnamed files left behind.
void ObjectStore::sweep_leftovers() {
  std::error_code ignored;
  const auto& folder = bodies_.folder();
  const auto prefix = folder.filename().native() + ".old-";
  for (const auto& entry : std::filesystem::directory_iterator(folder.parent_path(), ignored))
    if (entry.path().filename().native().starts_with(prefix)) (void)remove_tree(entry.path());
  for (const auto& entry : std::filesystem::directory_iterator(folder / "staging", ignored)) {
    const auto name = entry.path().filename().native();
    if (!name.starts_with(std::to_string(::getpid()) + "-")) (void)remove_tree(entry.path());
  }
}

Status ObjectStore::sweep() {
  for (unsigned folder = 0; folder < 256 && !stopping_; ++folder) {
    auto ids = ids_in(bodies_.path_of(folder).parent_path());
    // Of this run: its record may be on its way.
    std::erase_if(ids, [this](BodyId id) { return id >= bodies_.first_id(); });
    TRY(const auto orphans, without_record(ledger_, ids));
    bodies_.discard(orphans);
  }
  if (!stopping_) sweep_is_due_ = false;
  return {};
}

// ---- scrub ----

Result<ObjectStore::BodyState> ObjectStore::read_body(BodyId id,
                                                      const std::function<void(std::string_view)>& seen) {
  bool recorded = false, in_ledger = false;
  std::string bytes;
  TRY(ledger_.read([&](Connection& db) -> Status {
    TRY(recorded, body_exists(db, id));
    if (!recorded) return {};
    TRY(bytes, inline_bytes(db, id, in_ledger));
    return {};
  }));
  if (!recorded) return BodyState::kNoRecord;
  if (in_ledger) {
    seen(bytes);
    return BodyState::kThere;
  }
  auto file = bodies_.open(id);
  if (!file && file.error().is(ErrorKind::kNotFound)) return BodyState::kNoFile;
  if (!file) return std::move(file).error();
  TRY(read_through(file->get(), seen));
  return BodyState::kThere;
}

/// After this all changes that were acknowledged have taken their files with them, and a sweep that was under
/// way has (it puts its removals behind itself).
void ObjectStore::settle() {
  (void)ledger_.commit_and_wait([](Connection&) -> Status { return {}; });
  for (int turn = 0; turn < 2; ++turn) bodies_.wait_for_removals();
}

Result<std::vector<BodyId>> ObjectStore::strays() {
  std::vector<BodyId> found;
  for (unsigned folder = 0; folder < 256; ++folder) {
    TRY(const auto some, without_record(ledger_, ids_in(bodies_.path_of(folder).parent_path())));
    found.insert(found.end(), some.begin(), some.end());
  }
  if (found.empty()) return found;
  settle();
  TRY(found, without_record(ledger_, found));
  std::erase_if(found, [this](BodyId id) {
    struct stat file {};
    if (::stat(bodies_.path_of(id).c_str(), &file) != 0 || bodies_.pinned(id)) return true;
    return id >= bodies_.first_id() && ::time(nullptr) - file.st_ctime < kYoung;
  });
  return found;
}

// ---- copies ----

Status ObjectStore::link_files(Ledger& of, const std::filesystem::path& folder) {
  BodyId after = 0;
  while (true) {
    std::vector<BodyId> ids;
    TRY(of.read([&](Connection& db) -> Status {
      TRY(ids, files_after(db, after));
      return {};
    }));
    if (ids.empty()) return {};
    for (const auto id : ids) {
      const auto source = bodies_.path_of(id);
      const auto target = folder / relative_body_path(id);
      if (::link(source.c_str(), target.c_str()) == 0) continue;
      if (errno == ENOENT) TRY(make_folders(target.parent_path()));
      if (errno != ENOENT || ::link(source.c_str(), target.c_str()) != 0)
        return Error::last("the bytes of an object: " + source.native());
    }
    after = ids.back();
  }
}

Status ObjectStore::copy_to(const std::filesystem::path& ledger_file, const std::filesystem::path& folder) {
  TRY(make_folders(folder));
  const auto held = bodies_.hold();
  TRY(copy_ledger(ledger_, ledger_file));
  TRY(auto copy, Ledger::open(ledger_file, Durability::kNone));
  return link_files(*copy, folder);
}

}  // namespace sagelet::storage
