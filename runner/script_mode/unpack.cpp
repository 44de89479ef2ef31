#include "runner/script_mode/unpack.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "base/fs.hpp"

namespace sagelet::script_mode {
namespace {

struct FreeArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};
using Reader = std::unique_ptr<archive, FreeArchive>;

Error broken(archive* reader) {
  const char* text = archive_error_string(reader);
  return Error(ErrorKind::kInvalid, text ? text : "the archive cannot be read");
}

/// One archive on its way into one folder.
class Unpacking {
 public:
  Unpacking(archive* reader, fs::path folder, const std::function<void(std::string)>& warn,
            const UnpackLimits& limits)
      : reader_(reader), folder_(std::move(folder)), warn_(warn), limits_(limits) {}

  Status all() {
    archive_entry* entry = nullptr;
    int code;
    while ((code = archive_read_next_header(reader_, &entry)) == ARCHIVE_OK || code == ARCHIVE_WARN) {
      if (++entries_ > limits_.entries) return Error(ErrorKind::kNoSpace, "the archive has too many members");
      TRY(one(entry));
    }
    return code == ARCHIVE_EOF ? Status() : broken(reader_);
  }

 private:
  Status one(archive_entry* entry) {
    const char* raw = archive_entry_pathname(entry);
    const std::string name = confined_name(raw ? raw : "");
    if (name.empty()) return {};
    const fs::path path = folder_ / name;
    if (!parent_inside(path)) return skip(name, "it would lie outside the code folder");
    if (archive_entry_hardlink(entry)) return hard_link(entry, path, name);
    switch (archive_entry_filetype(entry)) {
      case AE_IFDIR:
        return make_folders(path);
      case AE_IFREG:
        return file(entry, path);
      case AE_IFLNK:
        return symbolic_link(entry, path, name);
      default:
        return skip(name, "special files are not supported");
    }
  }

  Status skip(const std::string& name, const std::string& why) {
    warn_("Skipping archive member '" + name + "': " + why + ".");
    return {};
  }

  /// Makes the folders above `path` and looks where they really are: an earlier link may stand among them.
  bool parent_inside(const fs::path& path) {
    std::error_code error;
    const fs::path above = fs::weakly_canonical(path.parent_path(), error);
    return !error && inside(above) && make_folders(above).has_value();
  }

  bool inside(const fs::path& path) const {
    const std::string text = path.lexically_normal().string(), folder = folder_.string();
    return text == folder || text.starts_with(folder + "/");
  }

  Status file(archive_entry* entry, const fs::path& path) {
    ::unlink(path.c_str());
    const bool runs = (archive_entry_perm(entry) & 0100) != 0;
    TRY(const UniqueFd fd, open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, runs ? 0755 : 0644));
    std::string buffer(1 << 16, '\0');
    while (true) {
      const la_ssize_t got = archive_read_data(reader_, buffer.data(), buffer.size());
      if (got < 0) return broken(reader_);
      if (got == 0) return {};
      bytes_ += static_cast<std::uint64_t>(got);
      if (bytes_ > limits_.bytes) return Error(ErrorKind::kNoSpace, "the archive unpacks to too many bytes");
      TRY(write_all(fd.get(), std::string_view(buffer).substr(0, static_cast<std::size_t>(got))));
    }
  }

  Status symbolic_link(archive_entry* entry, const fs::path& path, const std::string& name) {
    const char* target = archive_entry_symlink(entry);
    std::error_code error;
    const fs::path end = fs::weakly_canonical(path.parent_path() / (target ? target : ""), error);
    if (error || !target || !(limits_.links_anywhere || inside(end)))
      return skip(name, "its target is outside the code folder");
    ::unlink(path.c_str());
    if (::symlink(target, path.c_str()) != 0) return skip(name, Error::last("symlink").message());
    return {};
  }

  Status hard_link(archive_entry* entry, const fs::path& path, const std::string& name) {
    const fs::path target = folder_ / confined_name(archive_entry_hardlink(entry));
    std::error_code error;
    const fs::path end = fs::weakly_canonical(target, error);
    if (error || !inside(end)) return skip(name, "its target is outside the code folder");
    ::unlink(path.c_str());
    if (::link(end.c_str(), path.c_str()) != 0) return skip(name, Error::last("link").message());
    return {};
  }

  archive* reader_;
  const fs::path folder_;
  const std::function<void(std::string)>& warn_;
  const UnpackLimits& limits_;
  std::uint64_t bytes_ = 0, entries_ = 0;
};

Reader make_reader() {
  Reader reader(archive_read_new());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_empty(reader.get());
  return reader;
}

Status unpack_all(archive* reader, const std::string& folder, const std::function<void(std::string)>& warn,
                  const UnpackLimits& limits) {
  TRY(make_folders(folder));
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  if (error) return Error(ErrorKind::kIo, folder + ": " + error.message());
  return Unpacking(reader, real, warn, limits).all();
}

}  // namespace

std::string confined_name(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto slash = name.find_first_of("/\\");
    const auto segment = name.substr(0, slash);
    if (!segment.empty() && segment != "." && segment != "..") (out += out.empty() ? "" : "/") += segment;
    name.remove_prefix(slash == name.npos ? name.size() : slash + 1);
  }
  return out;
}

Status unpack(const std::string& file, const std::string& folder,
              const std::function<void(std::string)>& warn, const UnpackLimits& limits) {
  const Reader reader = make_reader();
  if (archive_read_open_filename(reader.get(), file.c_str(), 1 << 16) != ARCHIVE_OK)
    return broken(reader.get());
  return unpack_all(reader.get(), folder, warn, limits);
}

Status unpack_bytes(std::string_view bytes, const std::string& folder,
                    const std::function<void(std::string)>& warn, const UnpackLimits& limits) {
  const Reader reader = make_reader();
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    return broken(reader.get());
  return unpack_all(reader.get(), folder, warn, limits);
}

}  // namespace sagelet::script_mode
