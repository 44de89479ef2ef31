#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <system_error>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "server/storage/inventory.hpp"
#include "server/upkeep/entries.hpp"
#include "server/upkeep/snapshot.hpp"

namespace sagelet::upkeep {

namespace {

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kMostText = std::size_t{1} << 30;  ///< the list of digests: some ten million files

/// The file being read, an entry after the other.
class Reader {
 public:
  static Result<std::unique_ptr<Reader>> open(const fs::path& file) {
    std::unique_ptr<Reader> reader(new Reader(file));
    auto* archive = reader->archive_.get();
    archive_read_support_format_tar(archive);
    archive_read_support_filter_gzip(archive);
    TRY(reader->fd_, open_file(file, O_RDONLY | O_CLOEXEC));
    if (archive_read_open_fd(archive, reader->fd_.get(), kPiece) != ARCHIVE_OK) return reader->broken();
    return reader;
  }

  /// False at the end. Only plain files are entries of ours.
  Result<bool> next() {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(archive_.get(), &entry);
    if (code == ARCHIVE_EOF) return false;
    if (code != ARCHIVE_OK) return broken();
    const char* name = archive_entry_pathname(entry);
    name_ = name == nullptr ? "" : name;
    const bool plain = archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr;
    if (!plain) return refused("holds " + name_ + ", which is no plain file");
    return true;
  }
  const std::string& name() const { return name_; }

  template <class Seen>
  Status read(Seen seen) {
    std::string piece(kPiece, '\0');
    while (true) {
      const auto got = archive_read_data(archive_.get(), piece.data(), piece.size());
      if (got < 0) return broken();
      if (got == 0) return {};
      TRY(seen(std::string_view(piece).substr(0, static_cast<std::size_t>(got))));
    }
  }

  Result<std::string> text() {
    std::string all;
    TRY(read([&](std::string_view bytes) -> Status {
      if (all.size() + bytes.size() > kMostText) return refused("has a list that is too long");
      all += bytes;
      return {};
    }));
    return all;
  }

  Error refused(const std::string& why) const {
    return Error(ErrorKind::kCorrupt,
                 file_.native() + " is not a whole snapshot: it " + why + ". Nothing was restored.");
  }

 private:
  explicit Reader(fs::path file) : file_(std::move(file)), archive_(archive_read_new()) {}
  struct Free {
    void operator()(archive* made) const { archive_read_free(made); }
  };
  Error broken() const {
    const char* text = archive_error_string(archive_.get());
    return refused(std::string("cannot be read (") + (text == nullptr ? "cut off" : text) + ")");
  }

  fs::path file_;
  UniqueFd fd_;
  std::unique_ptr<archive, Free> archive_;
  std::string name_;
};

/// Takes the entries into a folder that nobody knows yet.
class Restore {
 public:
  Restore(Reader& reader, const fs::path& folder) : reader_(reader), folder_(folder) {}

  Result<Totals> run() {
    TRY(take_heading());
    bool whole = false;
    while (true) {
      TRY(const bool more, reader_.next());
      if (!more) break;
      if (whole) return reader_.refused("goes on behind its end");
      whole = reader_.name() == kDigests;
      TRY(whole ? compare_digests() : take_file());
    }
    if (!whole) return reader_.refused("is cut off");
    TRY(check_ledger());
    TRY(sync_all());
    return totals_;
  }

 private:
  Status take_heading() {
    TRY(const bool more, reader_.next());
    if (!more || reader_.name() != kHeading) return reader_.refused("does not begin like one");
    TRY(const auto text, reader_.text());
    const auto problem = heading_problem(text);
    return problem.empty() ? Status() : Status(reader_.refused("cannot be taken: " + problem));
  }

  Status take_file() {
    const auto place = place_of_entry(reader_.name());
    if (!place) return reader_.refused("holds " + reader_.name() + ", which no snapshot has");
    const auto path = folder_ / *place;
    TRY(make_folders(path.parent_path(), 0700));
    // Not over another: a name is there once.
    TRY(const auto fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    Digest sha(DigestKind::kSha256);
    std::uint64_t size = 0;
    TRY(reader_.read([&](std::string_view bytes) -> Status {
      sha.update(bytes);
      size += bytes.size();
      return write_all(fd.get(), bytes);
    }));
    found_ += digest_line(reader_.name(), size, sha.finish());
    ++totals_.files;
    totals_.bytes += size;
    return {};
  }

  Status compare_digests() {
    TRY(const auto written, reader_.text());
    if (written == found_) return {};
    return reader_.refused("holds other bytes than were saved: " + first_difference(written, found_));
  }

  /// That it opens, and that every file it names is there.
  Status check_ledger() {
    if (std::error_code ignored; !fs::exists(folder_ / "ledger.db", ignored))
      return reader_.refused("has no ledger");
    TRY(const auto ledger, storage::Ledger::open(folder_ / "ledger.db", storage::Durability::kNone));
    storage::BodyId after = 0;
    while (true) {
      std::vector<storage::BodyId> ids;
      TRY(ledger->read([&](storage::Connection& db) -> Status {
        TRY(ids, storage::files_after(db, after));
        return {};
      }));
      if (ids.empty()) return {};
      for (const auto id : ids) {
        std::error_code ignored;
        if (!fs::exists(folder_ / "objects" / storage::relative_body_path(id), ignored))
          return reader_.refused("misses the bytes of an object");
      }
      after = ids.back();
    }
  }

  Status sync_all() const {
    TRY(const auto fd, open_file(folder_, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (::syncfs(fd.get()) != 0) return Error::last("syncing " + folder_.native());
    return {};
  }

  Reader& reader_;
  fs::path folder_;
  std::string found_;
  Totals totals_;
};

Status check_empty(const fs::path& data) {
  std::error_code failure;
  if (!fs::exists(data, failure)) return {};
  if (fs::is_directory(data, failure) && fs::is_empty(data, failure)) return {};
  return Error(ErrorKind::kConflict,
               data.native() +
                   " is not an empty folder, and nothing is restored over what is there. Choose "
                   "another one with --data DIR, or move that one away.");
}

/// The folder gets its name when all is in it.
Status put_in_place(TempFolder& made, const fs::path& data) {
  if (::rename(made.path().c_str(), data.c_str()) != 0) {
    if (errno != EBUSY && errno != EXDEV) return Error::last(data.native());
    return Error(ErrorKind::kConflict, data.native() +
                                           " is where a file system is mounted: restore into a "
                                           "folder in it, with --data " +
                                           (data / "sagelet").native());
  }
  made.release();
  return sync_folder(data.parent_path());
}

}  // namespace

Result<Totals> restore_snapshot(const fs::path& file, const fs::path& data) {
  const auto target = fs::absolute(data / "").parent_path();
  TRY(check_empty(target));
  TRY(const auto reader, Reader::open(file));
  TRY(make_folders(target.parent_path()));
  TRY(auto made, TempFolder::make(target.parent_path(), ".sagelet-restore-"));
  TRY(const auto totals, Restore(*reader, made.path()).run());
  TRY(put_in_place(made, target));
  return totals;
}

}  // namespace sagelet::upkeep
