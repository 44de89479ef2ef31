#pragma once
// A disk that forgets, at a power cut, what was not synced: a random part of it, writes torn anywhere. For
// tests only.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/fs.hpp"
#include "fmt/format.h"
#include "server/storage/disk.hpp"

namespace sagelet::storage {

/// What is not on the platter yet, of all files and folders. Thread-safe until lose().
class Power {
 public:
  /// `graveyard`: a folder on the same file system, for what was removed and may come back.
  Power(std::uint64_t seed, fs::path graveyard) : random_(seed), graveyard_(std::move(graveyard)) {
    (void)make_folders(graveyard_);
  }

  /// The power goes after that many more writes, syncs and names.
  void cut_after(int steps) {
    const std::lock_guard lock(mutex_);
    left_ = steps;
  }
  /// Now, if it is still on.
  void cut() {
    const std::lock_guard lock(mutex_);
    off_ = true;
  }
  bool is_off() {
    const std::lock_guard lock(mutex_);
    return off_;
  }

  /// One effect on the disk: `act` is not run when the power is off. False: it went now or before, so nobody
  /// may be told that this was done.
  template <class Act>
  bool step(Act act) {
    const std::lock_guard lock(mutex_);
    if (off_) return false;
    off_ = left_ == 0;
    if (left_ > 0) --left_;
    act();
    return !off_;
  }

  // Called from within step():
  struct Write {
    std::uint64_t at = 0;
    std::string before;  ///< what was there, as far as there was a file
    std::uint64_t length = 0;
    std::uint64_t size_before = 0;
  };
  /// A file is known by its path, or (while it has none) by a descriptor of ours.
  void wrote(const std::string& file, Write write) { files_[file].push_back(std::move(write)); }
  void synced(const std::string& file) {
    if (!off_) files_.erase(file);
  }
  void named(const fs::path& path) { entries_[path.parent_path()].push_back({path, {}}); }
  void removed(const fs::path& path) {
    const auto grave = graveyard_ / std::to_string(serial_++);
    if (::link(path.c_str(), grave.c_str()) == 0) entries_[path.parent_path()].push_back({path, grave});
  }
  void synced_folder(const fs::path& folder) {
    if (!off_) entries_.erase(folder);
  }
  bool has_entry(const fs::path& path) {
    for (const auto& entry : entries_[path.parent_path()])
      if (entry.path == path) return true;
    return false;
  }

  /// After everybody has closed their files: takes a random part of what was not synced off the disk.
  void lose() {
    for (auto& [file, writes] : files_) tear(file, writes);
    for (auto& [folder, entries] : entries_)
      for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
        if (chance(2)) undo(*entry);
    files_.clear();
    entries_.clear();
    (void)remove_tree(graveyard_);
  }

 private:
  struct Entry {
    fs::path path;
    fs::path grave;  ///< of one that was removed
  };
  static constexpr std::uint64_t kSector = 512;

  bool chance(unsigned in) { return random_() % in == 0; }

  void undo(const Entry& entry) {
    if (entry.grave.empty()) {
      (void)remove_tree(entry.path);
    } else if (::link(entry.grave.c_str(), entry.path.c_str()) != 0) {
      std::perror("bringing a removed file back");
    }
  }

  /// From the newest write back: it is there, or not, or its first sectors are.
  void tear(const std::string& file, const std::vector<Write>& writes) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    const UniqueFd owner(fd);
    const bool all = chance(4), none = !all && chance(4);
    std::uint64_t size = writes.front().size_before;
    for (auto write = writes.rbegin(); write != writes.rend(); ++write) {
      std::uint64_t kept = 0;
      if (all || (!none && chance(3))) kept = write->length;
      if (!all && !none && chance(3)) kept = random_() % (write->length / kSector + 1) * kSector;
      std::string before = write->before;
      before.resize(write->length, '\0');
      if (kept < write->length) (void)pwrite_all(fd, std::string_view(before).substr(kept), write->at + kept);
      if (kept > 0) size = std::max(size, write->at + kept);
    }
    (void)!::ftruncate(fd, static_cast<off_t>(size));
  }

  std::mutex mutex_;
  std::mt19937_64 random_;
  fs::path graveyard_;
  int left_ = -1;
  bool off_ = false;
  int serial_ = 0;
  std::map<std::string, std::vector<Write>> files_;
  std::map<fs::path, std::vector<Entry>> entries_;
};

/// Where the bodies of objects go.
class PowerLossDisk : public Disk {
 public:
  explicit PowerLossDisk(Power& power) : power_(power) {}

  Status write(int fd, std::string_view bytes) override {
    struct stat about {};
    (void)::fstat(fd, &about);
    const auto size = static_cast<std::uint64_t>(about.st_size);
    return after([&] {
      power_.wrote(known(fd), {size, {}, bytes.size(), size});
      return Disk::write(fd, bytes);
    });
  }
  Status sync(int fd) override {
    return after([&] {
      power_.synced(known(fd));
      return Status();
    });
  }
  Status sync_folder(const fs::path& folder) override {
    return after([&] {
      power_.synced_folder(folder);
      return Status();
    });
  }
  Status name(NewFile& file, const fs::path& path) override {
    // Disk::name calls link(), ours.
    return naming(
        path, [&] { return file.name.empty() ? Disk::link(file.fd.get(), path) : Disk::name(file, path); });
  }
  Status link(int fd, const fs::path& path) override {
    return naming(path, [&] { return Disk::link(fd, path); });
  }
  Status remove(const fs::path& path) override {
    return after([&] {
      power_.removed(path);
      return Disk::remove(path);
    });
  }

 private:
  template <class Act>
  Status after(Act act) {
    Status done = Error(ErrorKind::kIo, "the power is off");
    if (power_.step([&] { done = act(); })) return done;
    return Error(ErrorKind::kIo, "the power is off");
  }

  /// The folder may be new as well.
  template <class Act>
  Status naming(const fs::path& path, Act act) {
    return after([&]() -> Status {
      std::error_code ignored;
      const bool fresh = !fs::exists(path.parent_path(), ignored);
      TRY(act());
      if (fresh) power_.named(path.parent_path());
      power_.named(path);
      return {};
    });
  }

  /// Unnamed files get names later, so each is known by a descriptor that stays open until the end.
  std::string known(int fd) {
    struct stat about {};
    (void)::fstat(fd, &about);
    auto& mine = files_[about.st_ino];
    if (!mine) mine = UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    return fmt::format("/proc/self/fd/{}", mine.get());
  }

  Power& power_;
  std::map<ino_t, UniqueFd> files_;
};

}  // namespace sagelet::storage
