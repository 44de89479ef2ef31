#include "runner/steps/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/fs.hpp"

namespace sagelet::runner {
namespace {

struct FreeWriter {
  void operator()(archive* a) const { archive_write_free(a); }
};
struct FreeEntry {
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};

Error broken(archive* writer, const std::string& what) {
  const char* text = archive_error_string(writer);
  if (archive_errno(writer) == ENOSPC) return Error::from_errno(what, ENOSPC);
  return Error(ErrorKind::kIo, what + ": " + (text ? text : "tar"));
}

class Writer {
 public:
  explicit Writer(fs::path folder)
      : folder_(std::move(folder)), out_(archive_write_new()), buffer_(1 << 16, '\0') {}

  Status open(const std::string& file) {
    archive_write_set_format_pax_restricted(out_.get());
    archive_write_add_filter_gzip(out_.get());
    archive_write_set_filter_option(out_.get(), "gzip", "timestamp", nullptr);
    archive_write_set_filter_option(out_.get(), "gzip", "compression-level", "1");
    if (archive_write_open_filename(out_.get(), file.c_str()) != ARCHIVE_OK) return broken(out_.get(), file);
    return {};
  }

  Status add(const std::string& name) {
    const std::string path = folder_ / name;
    struct stat about;
    if (::lstat(path.c_str(), &about) != 0) return {};  // gone meanwhile
    if (S_ISREG(about.st_mode)) return add_file(name, path, about);
    if (S_ISDIR(about.st_mode)) return header(name, AE_IFDIR, 0755, 0, {});
    if (!S_ISLNK(about.st_mode)) return {};
    std::error_code error;
    const fs::path target = fs::read_symlink(path, error);
    return error ? Status() : header(name, AE_IFLNK, 0777, 0, target.string());
  }

  Status close() {
    if (archive_write_close(out_.get()) != ARCHIVE_OK) return broken(out_.get(), "closing the archive");
    return {};
  }

 private:
  Status header(const std::string& name, unsigned type, unsigned mode, std::int64_t size,
                const std::string& target) {
    const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), type);
    archive_entry_set_perm(entry.get(), mode);
    archive_entry_set_size(entry.get(), size);
    archive_entry_set_mtime(entry.get(), 0, 0);
    if (!target.empty()) archive_entry_set_symlink(entry.get(), target.c_str());
    if (archive_write_header(out_.get(), entry.get()) < ARCHIVE_WARN) return broken(out_.get(), name);
    return {};
  }

  Status add_file(const std::string& name, const std::string& path, const struct stat& about) {
    TRY(const UniqueFd fd, open_file(path, O_RDONLY | O_NOFOLLOW));
    TRY(header(name, AE_IFREG, (about.st_mode & 0100) != 0 ? 0755 : 0644, about.st_size, {}));
    for (std::int64_t left = about.st_size; left > 0;) {
      TRY(const std::size_t got, read_some(fd.get(), std::span(buffer_)));
      if (got == 0) break;  // shrank meanwhile: the rest becomes zeros
      const auto part =
          static_cast<std::size_t>(std::min<std::int64_t>(left, static_cast<std::int64_t>(got)));
      if (archive_write_data(out_.get(), buffer_.data(), part) < 0) return broken(out_.get(), name);
      left -= static_cast<std::int64_t>(part);
    }
    return {};
  }

  const fs::path folder_;
  std::unique_ptr<archive, FreeWriter> out_;
  std::string buffer_;
};

}  // namespace

Result<std::vector<std::string>> names_below(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator item(folder, error), end;
  std::string last = folder;
  for (; !error && item != end; item.increment(error)) {
    last = item->path();
    names.push_back(item->path().lexically_relative(folder).string());
  }
  if (error && error != std::errc::no_such_file_or_directory) return Error::from_errno(last, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

Status write_archive(const std::string& folder, const std::string& file) {
  TRY(const auto names, names_below(folder));
  Writer writer(folder);
  TRY(writer.open(file));
  for (const std::string& name : names) TRY(writer.add(name));
  return writer.close();
}

}  // namespace sagelet::runner
