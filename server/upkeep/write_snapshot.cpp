#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "server/upkeep/entries.hpp"
#include "server/upkeep/snapshot.hpp"

namespace sagelet::upkeep {

namespace {

constexpr std::size_t kPiece = 256 * 1024;

/// The tar file under way: named at the end.
class Writer {
 public:
  static Result<std::unique_ptr<Writer>> open(const fs::path& file) {
    std::unique_ptr<Writer> writer(new Writer(file));
    auto* archive = writer->archive_.get();
    archive_write_set_format_pax_restricted(archive);
    if (file.extension() == ".gz") {
      archive_write_add_filter_gzip(archive);
      archive_write_set_filter_option(archive, "gzip", "compression-level", "1");
    }
    archive_write_set_bytes_in_last_block(archive, 1);
    TRY(writer->fd_, open_file(writer->partial_, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    TRY(writer->done(archive_write_open_fd(archive, writer->fd_.get())));
    return writer;
  }
  ~Writer() {
    archive_.reset();
    ::unlink(partial_.c_str());  // nothing is there once it has its name
  }

  Status add_text(std::string_view name, std::string_view text) {
    TRY(begin(name, text.size()));
    return put(text);
  }

  Status add_file(const std::string& name, const fs::path& path, Totals& totals) {
    TRY(const auto source, open_file(path, O_RDONLY | O_CLOEXEC));
    struct stat about {};
    if (::fstat(source.get(), &about) != 0) return Error::last(path.native());
    const auto size = static_cast<std::uint64_t>(about.st_size);
    TRY(begin(name, size));
    Digest sha(DigestKind::kSha256);
    std::string piece;
    for (std::uint64_t at = 0; at < size; at += piece.size()) {
      piece.resize(std::min<std::uint64_t>(kPiece, size - at));
      TRY(pread_all(source.get(), piece, at));
      sha.update(piece);
      TRY(put(piece));
    }
    digests_ += digest_line(name, size, sha.finish());
    ++totals.files;
    totals.bytes += size;
    return {};
  }

  Status finish() {
    TRY(add_text(kDigests, digests_));
    TRY(done(archive_write_close(archive_.get())));
    if (::fsync(fd_.get()) != 0) return Error::last(partial_.native());
    if (::rename(partial_.c_str(), file_.c_str()) != 0) return Error::last(file_.native());
    return sync_folder(file_.parent_path());
  }

 private:
  explicit Writer(const fs::path& file)
      : file_(fs::absolute(file)), partial_(file_.native() + ".partial"), archive_(archive_write_new()) {}

  struct Free {
    void operator()(archive* made) const { archive_write_free(made); }
  };
  struct FreeEntry {
    void operator()(archive_entry* made) const { archive_entry_free(made); }
  };

  Status done(la_int64_t code) {
    if (code >= ARCHIVE_OK) return {};
    const int error = archive_errno(archive_.get());
    const char* text = archive_error_string(archive_.get());
    if (error > 0) return Error::from_errno(file_.native(), error);
    return Error(ErrorKind::kIo, file_.native() + ": " + (text == nullptr ? "cannot be written" : text));
  }

  Status begin(std::string_view name, std::uint64_t size) {
    const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), std::string(name).c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0600);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    return done(archive_write_header(archive_.get(), entry.get()));
  }

  Status put(std::string_view bytes) {
    return done(archive_write_data(archive_.get(), bytes.data(), bytes.size()));
  }

  fs::path file_, partial_;
  UniqueFd fd_;
  std::unique_ptr<archive, Free> archive_;
  std::string digests_;
};

/// In one order, so that two snapshots of the same state are the same bytes but for the ledger's.
Result<std::vector<std::string>> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (fs::recursive_directory_iterator at(folder, failure), end; !failure && at != end;
       at.increment(failure)) {
    auto name = at->path().lexically_relative(folder).native();
    if (at->is_regular_file(failure) && place_of_entry(name)) names.push_back(std::move(name));
  }
  if (failure) return Error::from_errno(folder.native(), failure.value());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<Totals> write_snapshot(const fs::path& prepared, const fs::path& file) {
  TRY(const auto names, names_in(prepared));
  TRY(const auto writer, Writer::open(file));
  Totals totals;
  TRY(writer->add_text(kHeading, heading()));
  for (const auto& name : names) TRY(writer->add_file(name, prepared / name, totals));
  TRY(writer->finish());
  return totals;
}

}  // namespace sagelet::upkeep
